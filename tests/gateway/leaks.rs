//! Thousands of failures leave nothing behind.

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::support::{Gate, Raw, Setup, eventually};

const MIB: u64 = 1 << 20;

fn setup() -> Setup {
    Setup::default()
        .guest_with("trap", "")
        .guest_with("trap-p3", "")
        .guest_with("hang", "limits = { timeout = \"20ms\" }")
        .guest_with("hang-p3", "limits = { timeout = \"20ms\" }")
        .guest_with("stall-body", "")
        .guest_with("endless-p3", "")
        .guest_with("counter", "instances = { reuse = 50 }")
}

/// One failure of each kind, by turns.
async fn fail(gate: &Gate, index: usize) {
    let mut raw = Raw::connect(gate.address()).await;
    let path = match index % 8 {
        0 | 1 => "trap",
        2 | 3 => "trap-p3",
        4 => "hang",
        5 => "hang-p3",
        6 => "stall-body",
        _ => "endless-p3",
    };
    raw.send(format!(
        "GET /{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    ))
    .await;
    let head = raw.head().await;
    let expected = ["502", "502", "502", "502", "504", "504", "200", "200"][index % 8];
    assert_eq!(head.split(' ').nth(1), Some(expected), "{path}: {head}");
}

async fn fail_often(gate: &Gate, count: usize) {
    let all = futures_util::stream::iter(0..count).map(|index| fail(gate, index));
    all.buffer_unordered(32).for_each(async |()| {}).await;
    gate.at_rest().await;
    eventually("no connection is left", async || {
        gate.connections().await == 0.0
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_traps_timeouts_and_disconnects_leave_nothing_behind() {
    let gate = setup().environment("RUST_LOG", "error").start().await;
    fail_often(&gate, 1_000).await;
    let (memory, descriptors) = (gate.resident(), gate.descriptors());
    fail_often(&gate, 10_000).await;
    eventually("fewer than 48 MiB more are in use", async || {
        gate.resident() < memory + 48 * MIB
    })
    .await;
    eventually("the descriptors are closed", async || {
        gate.descriptors() <= descriptors + 4
    })
    .await;
    assert_eq!(gate.get("/counter").await.text(), "1");
}

#[tokio::test]
async fn a_hundred_reloads_leave_nothing_behind() {
    let mut gate = Gate::serving(["hello", "counter"]).start().await;
    let mut last = (0, 0);
    for round in 0..100 {
        let lines = format!("limits = {{ timeout = \"{}ms\" }}", 1_000 + round);
        gate.rewrite(
            Setup::default()
                .guest_with("hello", &lines)
                .guest_with("counter", &lines),
        );
        assert_eq!(gate.reload().await.status(), 200);
        assert_eq!(gate.get("/hello").await.status(), 200);
        if round == 19 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            last = (gate.resident(), gate.descriptors());
        }
    }
    eventually("fewer than 32 MiB more are in use", async || {
        gate.resident() < last.0 + 32 * MIB
    })
    .await;
    eventually("the descriptors are closed", async || {
        gate.descriptors() <= last.1 + 4
    })
    .await;
}
