//! Who gets a message, how often, and in what order.

use super::{appended, asking, component, eventually_counted, member, ok, sending, stored};
use crate::support::{Setup, eventually, get};

#[tokio::test]
async fn everybody_who_listens_gets_a_copy_and_of_a_group_one() {
    // What is appended is read before it is written: one at a time.
    let alone = "topic = \"orders.*\"\nconcurrency = 1";
    let grouped = "topic = \"orders.>\"\ngroup = \"workers\"\nconcurrency = 1";
    let setup = member(Setup::default(), "sender", &[]);
    let setup = member(setup, "one", &[alone]);
    let setup = member(setup, "two", &[alone]);
    let setup = member(setup, "left", &[grouped]);
    let gate = member(setup, "right", &[grouped]).start().await;
    for n in 0..20 {
        let answer = gate
            .get(&sending(
                "sender",
                "orders.created",
                &format!("append got {n}"),
            ))
            .await;
        assert_eq!(ok(&answer), "ok 1");
    }
    for everybody in ["one", "two"] {
        assert_eq!(appended(&gate, everybody, "got", 20).await.len(), 20);
    }
    let mut shared = Vec::new();
    eventually("the group has them all", async || {
        shared.clear();
        for half in ["left", "right"] {
            let text = stored(&gate, half, "got").await.unwrap_or_default();
            shared.extend(text.lines().map(str::to_owned));
        }
        shared.len() >= 20
    })
    .await;
    for half in ["left", "right"] {
        let text = stored(&gate, half, "got").await;
        assert!(text.is_some(), "both have a part in it: {half}");
    }
    shared.sort_by_key(|line| line.parse::<u32>().unwrap());
    let all: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(shared, all, "each once");
}

#[tokio::test]
async fn topics_that_no_pattern_matches_reach_nobody() {
    let setup = member(Setup::default(), "sender", &[]);
    let gate = member(setup, "listener", &["topic = \"a.*\""])
        .start()
        .await;
    for elsewhere in ["a", "a.b.c", "b.a"] {
        let answer = gate
            .get(&sending("sender", elsewhere, "append got x"))
            .await;
        assert_eq!(ok(&answer), "ok 1", "nobody has to be there");
    }
    ok(&gate.get(&sending("sender", "a.b", "append got y")).await);
    assert_eq!(appended(&gate, "listener", "got", 1).await, ["y"]);
    eventually_counted(&gate, "listener", "handled", 1.0).await;
}

#[tokio::test]
async fn messages_of_one_publisher_keep_their_order() {
    let setup = member(Setup::default(), "sender", &[]);
    let gate = member(setup, "listener", &["topic = \"a\"\nconcurrency = 16"])
        .start()
        .await;
    let path = sending("sender", "a", "append got {n}") + "&n=200";
    assert_eq!(ok(&gate.get(&path).await), "ok 200");
    let lines = appended(&gate, "listener", "got", 200).await;
    let expected: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_component_without_an_http_handler_gets_messages() {
    let setup = member(Setup::default(), "sender", &[]);
    let setup = component(setup, "counter", "counter-sub", "", &["topic = \"a\""]);
    let gate = setup.start().await;
    let path = sending("sender", "a", "anything") + "&n=50";
    assert_eq!(ok(&gate.get(&path).await), "ok 50");
    eventually_counted(&gate, "counter", "handled", 50.0).await;
    let labels = [("component", "counter"), ("outcome", "ok")];
    let guests = gate.metrics().await;
    assert_eq!(guests.sum("airgate_guest_requests_total", &labels), 50.0);
}

#[tokio::test]
async fn a_route_to_a_component_without_an_http_handler_is_refused() {
    let setup = component(
        Setup::default(),
        "counter",
        "counter-sub",
        "",
        &["topic = \"a\""],
    );
    let setup = setup.route("path = \"/\"\ncomponent = \"counter\"");
    let refusal = setup.try_start().await.err().expect("a refusal");
    assert!(
        refusal.stderr.contains("exports no HTTP handler"),
        "{}",
        refusal.stderr
    );
}

#[tokio::test]
async fn a_subscription_of_a_component_that_handles_no_messages_is_refused() {
    let setup = component(Setup::default(), "hello", "hello", "", &["topic = \"a\""]);
    let refusal = setup.try_start().await.err().expect("a refusal");
    assert!(
        refusal.stderr.contains("exports no handler of messages"),
        "{}",
        refusal.stderr
    );
}

#[tokio::test]
async fn components_of_wasmcloud_and_of_wasi_understand_each_other() {
    let setup = member(Setup::default(), "wasi", &["topic = \"to.wasi\""]);
    let setup = component(
        setup,
        "cloud",
        "bus-wasmcloud",
        super::GRANTS,
        &["topic = \"to.cloud\""],
    );
    let gate = setup.start().await;
    let answer = gate.get(&asking("wasi", "to.cloud", "hello")).await;
    assert_eq!(ok(&answer), "reply wasmcloud: hello");
    let answer = gate
        .get("/cloud/request?subject=to.wasi&body=echo%20you")
        .await;
    assert_eq!(ok(&answer), "reply echo you");
    let answer = gate
        .get("/cloud/publish?subject=to.wasi&body=append%20got%20it")
        .await;
    assert_eq!(ok(&answer), "ok 1");
    assert_eq!(appended(&gate, "wasi", "got", 1).await, ["it"]);
}

#[tokio::test]
async fn a_broadcast_reaches_every_member_of_a_group() {
    let grouped = "topic = \"news\"\ngroup = \"all\"";
    let setup = component(Setup::default(), "teller", "bus-core", super::GRANTS, &[]);
    let setup = member(setup, "one", &[grouped]);
    let setup = member(setup, "two", &[grouped]);
    let gate = member(setup, "three", &["topic = \"news\""]).start().await;
    let answer = gate
        .get("/teller/broadcast?topic=news&body=append%20got%20it")
        .await;
    assert_eq!(ok(&answer), "3");
    for name in ["one", "two", "three"] {
        assert_eq!(appended(&gate, name, "got", 1).await, ["it"], "{name}");
    }
    let id = gate.get("/teller/self").await;
    let id: Vec<_> = ok(&id).split(' ').map(str::to_owned).collect();
    assert_eq!((id.len(), &*id[0]), (3, "teller"));
}

#[tokio::test]
async fn what_travels_with_a_message_arrives() {
    let setup = member(Setup::default(), "sender", &[]);
    let gate = member(setup, "listener", &["topic = \"a.*\""])
        .start()
        .await;
    let path = asking("sender", "a.b", "reply-meta") + "&content-type=text/x&meta=k=v&meta=l=w";
    let answer = gate.http1().await.ask(get(&path)).await;
    assert_eq!(ok(&answer), "reply topic=a.b content-type=text/x k=v l=w");
}
