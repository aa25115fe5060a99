//! Messages that cannot be handled: tried again, later, and given up without harm to others.

use super::{appended, component, counted, member, ok, sending};
use crate::support::{Setup, eventually, get};

const QUICK: &str = "backoff = \"20ms\"\nmax_backoff = \"100ms\"";

#[tokio::test]
async fn a_poison_message_is_tried_five_times_and_then_dead_lettered() {
    let setup = member(Setup::default(), "sender", &[]);
    let setup = member(setup, "handler", &[&format!("topic = \"a\"\n{QUICK}")]);
    let setup = member(setup, "mortician", &["topic = \"airgate.dead-letters\""]);
    let gate = setup.start().await;
    for poison in ["trap", "fail on purpose"] {
        let (dead, retried) = (
            counted(&gate, "handler", "dead_lettered").await,
            counted(&gate, "handler", "retried").await,
        );
        ok(&gate.get(&sending("sender", "a", poison)).await);
        eventually("it is given up", async || {
            counted(&gate, "handler", "dead_lettered").await == dead + 1.0
        })
        .await;
        assert_eq!(counted(&gate, "handler", "retried").await, retried + 4.0);
    }
    let letters = gate.admin(get("/v1/bus/dead-letters")).await;
    assert_eq!(letters.status(), 200, "{}", letters.text());
    let letters = letters.json();
    let letters = letters["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert_eq!(letter["topic"], "a");
        assert_eq!(letter["subscriber"], "handler");
        assert_eq!(letter["attempts"], 5);
    }
    // The dead-letter topic is one like any other: the poison goes to who listens there, once.
    eventually("the mortician has both", async || {
        counted(&gate, "mortician", "dead_lettered").await == 2.0
            || counted(&gate, "mortician", "handled").await
                + counted(&gate, "mortician", "dead_lettered").await
                == 2.0
    })
    .await;
}

#[tokio::test]
async fn a_poison_message_does_not_hold_up_the_others() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = "topic = \"a\"\nconcurrency = 1\nbackoff = \"60s\"\nmax_backoff = \"60s\"";
    let gate = member(setup, "handler", &[lines]).start().await;
    ok(&gate.get(&sending("sender", "a", "trap")).await);
    ok(&gate
        .get(&(sending("sender", "a", "append got {n}") + "&n=20"))
        .await);
    // While the first one waits for its next try.
    assert_eq!(appended(&gate, "handler", "got", 20).await.len(), 20);
    assert_eq!(counted(&gate, "handler", "retried").await, 1.0);
}

#[tokio::test]
async fn a_handler_that_recovers_gets_what_it_failed() {
    // Without the grant the store refuses, and the handler fails; a reload repairs it.
    let grants = "publish = [\">\"]";
    let lines = "topic = \"a\"\nbackoff = \"300ms\"\nattempts = 20\nmax_backoff = \"300ms\"";
    let setup = member(Setup::default(), "sender", &[]);
    let broken = component(setup.clone(), "handler", "bus", grants, &[lines]);
    let mut gate = broken.start().await;
    ok(&gate.get(&sending("sender", "a", "put key value")).await);
    eventually("it has failed", async || {
        counted(&gate, "handler", "retried").await >= 1.0
    })
    .await;
    gate.rewrite(member(setup, "handler", &[lines]));
    assert_eq!(gate.reload().await.status(), 200);
    eventually("it is handled", async || {
        super::stored(&gate, "handler", "key").await.as_deref() == Some("value")
    })
    .await;
    assert_eq!(counted(&gate, "handler", "dead_lettered").await, 0.0);
}

#[tokio::test]
async fn a_spinning_handler_runs_under_the_limits_of_its_component() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = "[component.spinner.limits]\ncpu = \"50ms\"";
    let subscription = format!("topic = \"a\"\nattempts = 2\n{QUICK}");
    let gate = member(setup, "spinner", &[&subscription])
        .lines(lines)
        .start()
        .await;
    ok(&gate.get(&sending("sender", "a", "spin")).await);
    eventually("it is given up", async || {
        counted(&gate, "spinner", "dead_lettered").await == 1.0
    })
    .await;
    let labels = [("component", "spinner"), ("outcome", "cpu")];
    let metrics = gate.metrics().await;
    assert_eq!(metrics.sum("airgate_guest_requests_total", &labels), 2.0);
}

#[tokio::test]
async fn dead_letters_can_be_put_back() {
    let setup = member(Setup::default(), "sender", &[]);
    let subscription = format!("topic = \"a\"\nattempts = 1\n{QUICK}");
    let broken = component(setup.clone(), "handler", "bus", "", &[&subscription]);
    let mut gate = broken.start().await;
    ok(&gate.get(&sending("sender", "a", "append got it")).await);
    let mut id = serde_json::Value::Null;
    eventually("there is a dead letter", async || {
        let letters = gate.admin(get("/v1/bus/dead-letters")).await.json();
        id = letters["dead_letters"][0]["id"].clone();
        !id.is_null()
    })
    .await;
    gate.rewrite(member(setup, "handler", &[&subscription]));
    assert_eq!(gate.reload().await.status(), 200);
    let path = format!("/v1/bus/dead-letters/{id}/redeliver");
    let request = http::Request::post(path)
        .body(crate::support::empty())
        .unwrap();
    let answer = gate.admin(request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(appended(&gate, "handler", "got", 1).await, ["it"]);
}

#[tokio::test]
async fn what_is_sent_to_a_stopped_component_waits_for_it() {
    let setup = member(Setup::default(), "sender", &[]);
    let lines = format!("topic = \"a\"\n{QUICK}");
    let gate = member(setup, "handler", &[&lines]).start().await;
    let post = |path: &str| {
        let request = http::Request::post(path);
        request.body(crate::support::empty()).unwrap()
    };
    let stop = post("/v1/components/handler/stop");
    assert_eq!(gate.admin(stop).await.status(), 200);
    let path = sending("sender", "a", "put key value");
    assert_eq!(ok(&gate.get(&path).await), "ok 1");
    eventually(
        "it was offered more often than it may be tried",
        async || counted(&gate, "handler", "deferred").await > 6.0,
    )
    .await;
    assert_eq!(counted(&gate, "handler", "dead_lettered").await, 0.0);
    let restart = post("/v1/components/handler/restart");
    assert_eq!(gate.admin(restart).await.status(), 200);
    eventually("it is handled", async || {
        super::stored(&gate, "handler", "key").await.as_deref() == Some("value")
    })
    .await;
}
