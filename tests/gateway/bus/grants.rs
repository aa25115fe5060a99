//! What a component may send where: only what it is granted, and never what is the gateway's.

use super::{asking, component, counted, eventually_counted, member, ok, sending};
use crate::support::Setup;

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let grants = "publish = [\"orders.*\"]\nrequest = [\"stock.>\"]";
    let setup = component(Setup::default(), "shop", "bus", grants, &[]);
    let gate = member(setup, "all", &["topic = \">\""]).start().await;
    assert_eq!(
        ok(&gate.get(&sending("shop", "orders.created", "silent")).await),
        "ok 1"
    );
    assert_eq!(
        ok(&gate.get(&asking("shop", "stock.a.b", "echo x")).await),
        "reply echo x"
    );
    for denied in [
        sending("shop", "orders", "x"),
        sending("shop", "orders.a.b", "x"),
        sending("shop", "stock.reserve", "x"),
        asking("shop", "orders.created", "echo x"),
    ] {
        let answer = gate.get(&denied).await;
        assert!(
            ok(&answer).starts_with("error:permission-denied"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(gate.denied("shop", "publish").await, 3.0);
    assert_eq!(gate.denied("shop", "request").await, 1.0);
    let trail = gate.audit_of("shop").await;
    assert_eq!(trail.iter().filter(|it| it["kind"] == "denied").count(), 4);
    eventually_counted(&gate, "all", "handled", 2.0).await;
}

#[tokio::test]
async fn no_topic_of_the_gateways_own_can_be_sent_to() {
    let gate = member(Setup::default(), "shop", &["topic = \">\""])
        .start()
        .await;
    // Nobody waits at an address that was guessed, and nobody is told so.
    let guessed = gate.get(&sending("shop", "_INBOX.guess", "x")).await;
    assert_eq!(ok(&guessed), "ok 1");
    for forged in ["_x", "a.*", ">", "a..b", "a b", ""] {
        for path in [
            sending("shop", forged, "echo x"),
            asking("shop", forged, "echo x"),
        ] {
            let answer = gate.get(&path).await;
            assert!(
                ok(&answer).starts_with("error:"),
                "{path}: {}",
                answer.text()
            );
        }
    }
    // What comes after all that is handled, and nothing else was.
    ok(&gate.get(&asking("shop", "a", "echo x")).await);
    eventually_counted(&gate, "shop", "handled", 1.0).await;
}

#[tokio::test]
async fn audit_mode_counts_and_lets_through() {
    let setup = component(Setup::default(), "shop", "bus", "mode = \"audit\"", &[]);
    let gate = member(setup, "all", &["topic = \">\""]).start().await;
    assert_eq!(
        ok(&gate.get(&asking("shop", "a", "echo x")).await),
        "reply echo x"
    );
    assert_eq!(gate.denied("shop", "request").await, 1.0);
}

#[tokio::test]
async fn a_component_sees_the_components_it_is_granted_and_itself() {
    let grants = "components = [\"granted\"]";
    let setup = component(Setup::default(), "looker", "bus-core", grants, &[]);
    let setup = component(setup, "granted", "actor", "", &[]);
    let gate = component(setup, "other", "hello", "", &[]).start().await;
    let answer = gate.get("/looker/list").await;
    let mut lines: Vec<_> = ok(&answer).lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("granted ") && lines[0].contains(" running "),
        "{lines:?}"
    );
    assert!(lines[0].ends_with(" actor"), "its metadata: {lines:?}");
    assert!(
        lines[1].starts_with("looker ") && lines[1].contains(" running "),
        "{lines:?}"
    );
    assert_eq!(ok(&gate.get("/looker/component?name=other").await), "none");
    assert_eq!(gate.denied("looker", "components").await, 1.0);
}

#[tokio::test]
async fn copies_of_requests_send_nothing_and_write_nothing() {
    let setup = component(Setup::default(), "hello", "hello", "", &[]);
    let setup = setup.component(
        "copy",
        &crate::support::guest("bus"),
        &format!("[component.copy.capabilities]\n{}", super::GRANTS),
    );
    let setup = member(setup, "listener", &["topic = \"a\""]).route(
        "prefix = \"/mirrored\"\ncomponent = \"hello\"\nmirror = { component = \"copy\", percent = 100 }",
    );
    let gate = setup.start().await;
    for _ in 0..3 {
        let answer = gate.get("/mirrored/send?topic=a&body=silent").await;
        assert_eq!(answer.status(), 200);
    }
    crate::support::eventually("the copies have been made", async || {
        let labels = [("component", "copy")];
        gate.metrics()
            .await
            .sum("airgate_guest_requests_total", &labels)
            >= 3.0
    })
    .await;
    assert_eq!(counted(&gate, "listener", "handled").await, 0.0);
    assert_eq!(gate.denied("copy", "publish").await, 3.0);
}
