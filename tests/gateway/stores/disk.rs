//! A full disk: writes are refused, reads go on, and nothing is lost.

use super::{GRANTED, component, ok};
use crate::support::{Setup, eventually, write_token};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_find_no_room_are_refused_and_work_again_later() {
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    // The file of a store can grow to so many blocks of 512 bytes, as on a disk that is full.
    let limited = "trap '' XFSZ; ulimit -f 24576; exec \"$@\"";
    let setup = component(Setup::default().state(state.path()), "kv", "kv", GRANTED)
        .lines("[storage.default]\nmax_bytes = \"1GiB\"");
    let gate = setup.clone().wrapper(limited).start().await;
    assert_eq!(ok(&gate.get("/kv/set?key=first&value=1").await), "ok");
    let mut taken = 0;
    let refusal = loop {
        let path = format!("/kv/set-big?key=big-{taken}&bytes=500000");
        let answer = gate.get(&path).await;
        match ok(&answer) {
            "ok" => taken += 1,
            refusal => break refusal.to_owned(),
        }
        assert!(taken < 100, "12 MiB hold no 50 MB");
    };
    assert!(refusal.starts_with("error:other unavailable"), "{refusal}");
    assert!(taken >= 4, "{taken}");
    assert_eq!(
        ok(&gate.get("/kv/get?key=first").await),
        "value 1",
        "reads go on"
    );
    eventually("the operator is told", async || {
        !gate.log.lines_with("store").is_empty()
    })
    .await;
    for n in 0..taken {
        assert_eq!(
            ok(&gate.get(&format!("/kv/exists?key=big-{n}")).await),
            "true"
        );
    }
    for n in 0..taken {
        let path = format!("/kv/delete?key=big-{n}");
        eventually("there is room again", async || {
            ok(&gate.get(&path).await) == "ok"
        })
        .await;
    }
    eventually("writes work again", async || {
        ok(&gate.get("/kv/set?key=last&value=2").await) == "ok"
    })
    .await;
    drop(gate);
    let gate = setup.start().await;
    assert_eq!(ok(&gate.get("/kv/get?key=first").await), "value 1");
    assert_eq!(ok(&gate.get("/kv/get?key=last").await), "value 2");
}
