//! A process out of file descriptors waits for some and goes on.

use crate::support::{Gate, Raw, eventually, get};

#[tokio::test]
async fn a_gate_out_of_descriptors_serves_again_when_it_has_some() {
    let gate = Gate::serving(["hello"])
        .wrapper("ulimit -n 64; exec \"$@\"")
        .start()
        .await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut raw = Raw::connect(gate.address()).await;
        raw.send("GET /hel").await;
        clients.push(raw);
    }
    gate.log.line("cannot accept connections").await;
    drop(clients);
    eventually("it serves again", async || {
        gate.get("/hello").await.status() == 200
    })
    .await;
    eventually("the admin API too", async || {
        gate.admin(get("/livez")).await.status() == 200
    })
    .await;
    let labels = [("kind", "accept")];
    let errors = gate
        .metrics()
        .await
        .sum("airgate_connection_errors_total", &labels);
    assert!(
        (1.0..1_000.0).contains(&errors),
        "{errors}: it must pause in between"
    );
}
