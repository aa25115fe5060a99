//! Clients that are slow keep an actor from nobody but themselves.

use std::time::Duration;

use super::{actor, component, ok};
use crate::support::{Gate, Setup, eventually, within};

const PATIENT: &str = "[component.NAME.instances]\nactor = true\n\
    [component.NAME.limits]\ntimeout = \"60s\"";
/// Far less than the slow ones have.
const SOON: Duration = Duration::from_secs(20);

async fn is_under_way(gate: &Gate) {
    eventually("the slow request is there", async || {
        let active = gate.metrics().await;
        active.sum("http_server_active_requests", &[]) == 1.0
    })
    .await;
}

/// The first half of a request with a body of ten bytes.
fn half(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n12345"
    )
}

#[tokio::test]
async fn who_sends_slowly_waits_alone() {
    let setup = component(Setup::default(), "echo", "echo", PATIENT);
    let gate = setup.start().await;
    let mut slow = gate.raw().await;
    slow.send(half("/echo")).await;
    is_under_way(&gate).await;
    for _ in 0..3 {
        let answer = within(SOON, "the quick one", gate.post("/echo", "quick")).await;
        assert_eq!(ok(&answer), "quick");
    }
    slow.send("67890").await;
    let answer = String::from_utf8(slow.rest().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("1234567890"), "{answer}");
}

#[tokio::test]
async fn who_never_sends_the_rest_does_not_reach_the_actor() {
    let gate = actor("[component.NAME.limits]\ntimeout = \"1s\"");
    let gate = gate.start().await;
    let before = gate.get("/actor/add").await;
    let mut slow = gate.raw().await;
    let answer = slow.ask(half("/actor/add")).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    // One that leaves in the middle of its request.
    let mut gone = gate.raw().await;
    gone.send(half("/actor/add")).await;
    is_under_way(&gate).await;
    drop(gone);
    let after = gate.get("/actor/add").await;
    let counts = [&before, &after].map(|it| ok(it).replace(" -", ""));
    let instance = counts[0].split(' ').next().unwrap();
    let expected = [1, 2].map(|count| format!("{instance} {count}"));
    assert_eq!(
        counts.map(|it| it.trim_end().to_owned()),
        expected,
        "the same instance"
    );
}

#[tokio::test]
async fn who_reads_slowly_waits_alone() {
    let setup = component(Setup::default(), "stream", "stream", PATIENT);
    let gate = setup.start().await;
    let mut slow = gate.raw().await;
    slow.get_without_window("/stream?chunks=50&size=2000").await;
    is_under_way(&gate).await;
    for _ in 0..3 {
        let quick = gate.get("/stream?chunks=2&size=3");
        let answer = within(SOON, "the quick one", quick).await;
        assert_eq!(ok(&answer), "aaabbb");
    }
    is_under_way(&gate).await;
}
