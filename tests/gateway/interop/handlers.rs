//! Handlers for HTTP.

use std::time::Duration;

use super::{PATIENT, ROOM, built};
use crate::support::{Gate, Setup};

/// Serves a handler at `/`, or skips.
async fn serving(name: &str, lines: &str) -> Option<Gate> {
    let setup = Setup::default().component(name, &built(name)?, lines);
    let route = format!("prefix = \"/\"\ncomponent = {name:?}");
    Some(setup.security(PATIENT).route(&route).start().await)
}

#[tokio::test]
async fn javascript_and_python_handlers_answer() {
    for name in ["js-hello", "py-hello"] {
        let Some(gate) = serving(name, ROOM).await else {
            return;
        };
        for mut client in [gate.http1().await, gate.http2().await] {
            for _ in 0..3 {
                let answer = client.get("/").await.whole();
                assert_eq!(
                    (answer.status(), answer.text()),
                    (200, "hello world\n"),
                    "{name}"
                );
            }
        }
        gate.at_rest().await;
    }
}

#[tokio::test]
async fn a_javascript_handler_streams_a_body_back() {
    let Some(gate) = serving("js-echo", ROOM).await else {
        return;
    };
    let sent = "0123456789".repeat(10_000);
    let answer = gate.post("/some/path?q=1", sent.clone()).await.whole();
    assert_eq!(answer.status(), 200);
    assert!(answer.text() == sent, "{} bytes", answer.body.len());
    assert_eq!(answer.header("x-method"), "POST");
    assert_eq!(answer.header("x-path"), "/some/path?q=1");
}

#[tokio::test]
async fn a_handler_that_cannot_be_reused_is_served_fresh_after_a_few_failures() {
    let lines = format!("{ROOM}\ninstances = {{ reuse = 100 }}");
    let Some(gate) = serving("js-hello", &lines).await else {
        return;
    };
    let mut client = gate.http1().await;
    let mut failed = 0;
    for _ in 0..20 {
        let began = std::time::Instant::now();
        failed += u32::from(client.get("/").await.status() != 200);
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "it must fail at once"
        );
    }
    assert!((1..=3).contains(&failed), "{failed} requests failed");
    let said = gate.log.line("instances fail when they are reused").await;
    assert_eq!(said["component"], "js-hello");
    for _ in 0..5 {
        assert_eq!(client.get("/").await.text(), "hello world\n");
    }
}

#[tokio::test]
async fn a_python_handler_may_be_reused() {
    let lines = format!("{ROOM}\ninstances = {{ reuse = 100 }}");
    let Some(gate) = serving("py-hello", &lines).await else {
        return;
    };
    let mut client = gate.http1().await;
    for _ in 0..20 {
        assert_eq!(client.get("/").await.whole().text(), "hello world\n");
    }
}
