//! Reloads, deploys and drains while messages are on their way.

use std::time::Duration;

use rustix::process::Signal;

use super::{appended, asking, counted, member, ok, sending};
use crate::support::{Setup, eventually, eventually_within, get};

#[tokio::test]
async fn a_reload_begins_and_ends_subscriptions_and_keeps_queues() {
    let setup = member(Setup::default(), "sender", &[]);
    let before = member(
        setup.clone(),
        "listener",
        &["topic = \"a\"\nconcurrency = 1"],
    );
    let mut gate = before.clone().start().await;
    ok(&gate.get(&sending("sender", "a", "sleep 1500")).await);
    ok(&gate
        .get(&(sending("sender", "a", "append got {n}") + "&n=10"))
        .await);
    // One more subscription; the old one stays as it is, with what waits in it.
    gate.rewrite(member(
        setup.clone(),
        "listener",
        &["topic = \"a\"\nconcurrency = 1", "topic = \"b\""],
    ));
    assert_eq!(gate.reload().await.status(), 200);
    ok(&gate.get(&sending("sender", "b", "append other x")).await);
    assert_eq!(appended(&gate, "listener", "other", 1).await, ["x"]);
    assert_eq!(appended(&gate, "listener", "got", 10).await.len(), 10);
    // Without subscriptions nobody listens.
    gate.rewrite(member(setup, "listener", &[]));
    assert_eq!(gate.reload().await.status(), 200);
    let answer = gate.get(&asking("sender", "a", "echo x")).await;
    assert!(
        ok(&answer).starts_with("error:connection"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn what_waits_in_an_ended_subscription_is_still_handled() {
    let setup = member(Setup::default(), "sender", &[]);
    let before = member(
        setup.clone(),
        "listener",
        &["topic = \"a\"\nconcurrency = 1"],
    );
    let mut gate = before.start().await;
    ok(&gate.get(&sending("sender", "a", "sleep 1000")).await);
    ok(&gate
        .get(&(sending("sender", "a", "append got {n}") + "&n=10"))
        .await);
    gate.rewrite(member(setup, "listener", &["topic = \"b\""]));
    assert_eq!(gate.reload().await.status(), 200);
    assert_eq!(appended(&gate, "listener", "got", 10).await.len(), 10);
}

#[tokio::test]
async fn a_drain_waits_for_what_is_in_the_queues() {
    let state = tempfile::tempdir().unwrap();
    crate::support::write_token(state.path());
    let setup = member(Setup::default().state(state.path()), "sender", &[]);
    let setup = member(setup, "listener", &["topic = \"a\"\nconcurrency = 1"]);
    let mut gate = setup.clone().start().await;
    ok(&gate.get(&sending("sender", "a", "sleep 1000")).await);
    ok(&gate
        .get(&(sending("sender", "a", "append got {n}") + "&n=50"))
        .await);
    gate.signal(Signal::TERM);
    let status = gate.exit_within(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");
    drop(gate);
    let gate = setup.start().await;
    assert_eq!(appended(&gate, "listener", "got", 50).await.len(), 50);
}

#[tokio::test]
async fn requests_over_the_bus_go_on_through_reloads() {
    let setup = member(Setup::default(), "asker", &[]);
    let setup = member(setup, "answerer", &["topic = \"a\""]);
    let gate = setup.start().await;
    let path = asking("asker", "a", "echo x");
    let asks = async {
        let mut connection = gate.http1().await;
        for n in 0..300 {
            let answer = connection.ask(get(&path)).await;
            assert_eq!(ok(&answer), "reply echo x", "request {n}");
        }
    };
    let reloads = async {
        for _ in 0..20 {
            assert_eq!(gate.reload().await.status(), 200);
        }
    };
    tokio::join!(asks, reloads);
    eventually_within(Duration::from_secs(20), "all are counted", async || {
        counted(&gate, "answerer", "handled").await == 300.0
    })
    .await;
}

#[tokio::test]
async fn a_subscription_shows_how_it_stands() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = "topic = \"a.*\"\ngroup = \"g\"\nconcurrency = 1";
    let gate = member(setup, "listener", &[lines]).start().await;
    ok(&gate
        .get(&(sending("sender", "a.b", "sleep 4000") + "&n=3"))
        .await);
    eventually("one is handled, two wait", async || {
        let state = gate.subscription("listener").await;
        state["queue"]["in_flight"] == 1 && state["queue"]["waiting"] == 2
    })
    .await;
    let state = gate.subscription("listener").await;
    assert_eq!(
        (&state["topic"], &state["group"]),
        (&"a.*".into(), &"g".into())
    );
}

#[tokio::test]
async fn a_reload_refuses_what_a_start_refuses() {
    let mut gate = Setup::default().guest("hello").start().await;
    let subscribed = "[[component.hello.subscribe]]\ntopic = \"a\"";
    gate.rewrite(Setup::default().guest_with("hello", subscribed));
    let answer = gate.reload().await;
    assert!(answer.status() >= 400, "{}", answer.text());
    assert!(
        answer.text().contains("no handler of messages"),
        "{}",
        answer.text()
    );
    assert_eq!(gate.get("/hello").await.status(), 200);
}
