//! Messages for components that take none just now: they wait, in order, also at the end.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{appended, component, counted, member, ok, sending};
use crate::support::{Gate, Setup, empty, eventually};

async fn steer(gate: &Gate, component: &str, verb: &str) {
    let path = format!("/v1/components/{component}/{verb}");
    let request = http::Request::post(path).body(empty()).unwrap();
    let answer = gate.admin(request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

/// Sends a hundred messages while the component is stopped, and starts it when it was asked for
/// a while.
async fn across_a_restart(gate: &Gate, component: &str, text: &str) {
    steer(gate, component, "stop").await;
    let path = sending("sender", "a", text) + "&n=100";
    assert_eq!(ok(&gate.get(&path).await), "ok 100");
    eventually("it was offered and not taken", async || {
        counted(gate, component, "deferred").await >= 5.0
    })
    .await;
    steer(gate, component, "restart").await;
}

#[tokio::test]
async fn messages_come_in_order_across_a_stop_and_a_restart() {
    let setup = member(Setup::default(), "sender", &[]);
    let gate = member(setup, "handler", &["topic = \"a\""]).start().await;
    across_a_restart(&gate, "handler", "append got {n}").await;
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(appended(&gate, "handler", "got", 100).await, expected);
    assert_eq!(counted(&gate, "handler", "retried").await, 0.0);
    let queue = gate.subscription("handler").await["queue"].clone();
    assert_eq!((&queue["failed"], &queue["dead"]), (&0.into(), &0.into()));
    let told = gate.log.lines_with("messages have to wait");
    assert_eq!(told.len(), 1, "once in a while: {told:?}");
    assert!(gate.log.lines_with("message not handled").is_empty());
}

#[tokio::test]
async fn messages_meet_an_actor_in_order_across_a_stop_and_a_restart() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = "[component.actor.instances]\nactor = true";
    let setup = component(setup, "actor", "actor", "", &["topic = \"a\""]);
    let gate = setup.lines(lines).start().await;
    across_a_restart(&gate, "actor", "m{n}").await;
    let mut log: Vec<String> = Vec::new();
    eventually("all are logged", async || {
        let answer = gate.get("/actor/state").await;
        let lines = ok(&answer).lines();
        log = lines
            .filter(|it| it.starts_with("log "))
            .map(str::to_owned)
            .collect();
        log.len() == 100
    })
    .await;
    let expected: Vec<_> = (0..100).map(|n| format!("log m{n}")).collect();
    assert_eq!(log, expected);
}

#[tokio::test]
async fn a_drain_waits_for_messages_that_find_no_instance() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = "[component.handler.instances]\nmax = 1";
    let setup = member(setup, "handler", &["topic = \"a\""]).lines(lines);
    let mut gate = setup.start().await;
    // Each of another publisher: they do not wait for each other.
    for _ in 0..5 {
        ok(&gate.get(&sending("sender", "a", "sleep 700")).await);
    }
    eventually("some were not taken", async || {
        counted(&gate, "handler", "deferred").await >= 1.0
    })
    .await;
    gate.signal(Signal::TERM);
    let status = gate.exit_within(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");
    let lost = gate.log.lines_with("a message was given up");
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_component_that_is_stopped() {
    let setup = member(Setup::default(), "sender", &[]);
    let setup = member(setup, "handler", &["topic = \"a\""]);
    let mut gate = setup.start().await;
    steer(&gate, "handler", "stop").await;
    ok(&gate
        .get(&(sending("sender", "a", "echo {n}") + "&n=10"))
        .await);
    let began = Instant::now();
    gate.signal(Signal::TERM);
    let status = gate.exit_within(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");
    assert!(began.elapsed() < Duration::from_secs(15));
    let lost = gate.log.lines_with("a message was given up");
    assert!(!lost.is_empty(), "{}", gate.log.text());
}

#[tokio::test]
async fn a_drain_that_is_too_short_tells_what_it_leaves() {
    let setup = member(Setup::default(), "sender", &[]);
    let setup = member(setup, "handler", &["topic = \"a.*\""]);
    let mut gate = setup.server("drain_timeout = \"500ms\"").start().await;
    ok(&gate
        .get(&(sending("sender", "a.b", "sleep 3000") + "&n=3"))
        .await);
    eventually("one is handled", async || {
        gate.subscription("handler").await["queue"]["in_flight"] == 1
    })
    .await;
    gate.signal(Signal::TERM);
    gate.exit_within(Duration::from_secs(20)).await;
    let left = gate.log.line("messages could not be handled").await;
    assert_eq!(
        (
            &left["subscriber"],
            &left["topic"],
            &left["waiting"],
            &left["in_flight"]
        ),
        (&"handler".into(), &"a.*".into(), &2.into(), &1.into()),
        "{left}"
    );
    let whole = gate.log.line("not everything could be finished").await;
    assert_eq!(
        (&whole["messages"], &whole["subscriptions"]),
        (&3.into(), &1.into()),
        "{whole}"
    );
}
