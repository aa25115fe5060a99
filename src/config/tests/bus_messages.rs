//! What an operator reads about `[bus]`, subscriptions, and grants of topics.

use super::support::assert_grants;
use super::{BASE, assert_adds, first_lines};

/// A subscription of the component with these keys beside its topic.
#[track_caller]
fn assert_subscription(keys: &str, expected: &[&str]) {
    let more = format!("[[component.a.subscribe]]\ntopic = \"orders.*\"\n{keys}");
    let expected = expected
        .iter()
        .map(|line| line.replace("it.", "component.a.subscribe[0]."));
    let expected: Vec<_> = expected.collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    assert_adds(&more, &expected);
}

/// Subscriptions to these topics, each with what follows it.
fn subscriptions(topics: &[(&str, &str)]) -> String {
    let each = topics
        .iter()
        .map(|(topic, more)| format!("[[component.a.subscribe]]\ntopic = {topic:?}\n{more}\n"));
    each.collect()
}

#[test]
fn the_bus_is_within_bounds() {
    assert_adds(
        "[bus]\nbackend = \"nats\"",
        &["bus.backend: the backend \"nats\" is not built yet"],
    );
    assert_adds(
        "[bus]\nbackend = \"locl\"",
        &["bus.backend: unknown backend \"locl\", did you mean \"local\"?"],
    );
    assert_adds(
        "[bus]\nmax_message = \"17MiB\"",
        &["bus.max_message: expected a size from 1 to 16MiB, found 17MiB"],
    );
    assert_adds(
        "[bus]\ndead_letters = \"dead.>\"",
        &["bus.dead_letters: `>` is a wildcard: a message is sent to one topic"],
    );
    assert_adds(
        "[bus]\nmax_caused = 0",
        &["bus.max_caused: expected a whole number from 1 to 1000000000, found the number 0"],
    );
    assert_adds("bus = 5", &["route[0]: unknown key \"bus\""]);
}

#[test]
fn a_subscription_has_a_topic_that_can_be_one() {
    assert_subscription("", &[]);
    assert_adds(
        "[[component.a.subscribe]]\ngroup = \"a b\"",
        &[
            "component.a.subscribe[0]: `topic` is missing",
            "component.a.subscribe[0].group: \"a b\" is not the name of a group",
        ],
    );
    for (topic, why) in [
        ("", "a topic must not be empty"),
        ("a..b", "a token between two dots is empty"),
        (
            "a.>.b",
            "`>` stands for the rest, so it must be the last token",
        ),
        ("a.b*", "`*` and `>` stand for whole tokens: `b*`"),
        ("_a", "topics that begin with `_` are the gateway's own"),
    ] {
        let text = format!("{BASE}{}", subscriptions(&[(topic, "")]));
        let line = format!("routes.toml:7:9  component.a.subscribe[0].topic: {why}");
        assert_eq!(first_lines(&text), [line]);
    }
}

#[test]
fn a_single_pair_of_brackets_is_explained() {
    let more = "[component.a.subscribe]\ntopic = \"a\"";
    assert_adds(
        more,
        &["component.a.subscribe: expected an array, found a table"],
    );
    assert_adds(
        "[component.b]\nsource = \"b.wasm\"\nsubscribe = []",
        &["component.b.subscribe: an empty list subscribes to nothing"],
    );
}

#[test]
fn queues_tries_and_pauses_are_within_bounds() {
    for good in [
        "queue = 1_000_000",
        "queue_bytes = \"1GiB\"",
        "concurrency = 10_000",
        "attempts = 1",
        "attempts = 100",
        "backoff = \"1h\"\nmax_backoff = \"1h\"",
        "backoff = \"1ms\"",
    ] {
        assert_subscription(good, &[]);
    }
    for (bad, line) in [
        (
            "queue = 0",
            "it.queue: expected a whole number from 1 to 1000000, found the number 0",
        ),
        (
            "queue = 1_000_001",
            "it.queue: expected a whole number from 1 to 1000000, found the number 1000001",
        ),
        (
            "queue_bytes = \"2GiB\"",
            "it.queue_bytes: expected a size from 1KiB to 1GiB, found 2GiB",
        ),
        (
            "concurrency = 10_001",
            "it.concurrency: expected a whole number from 1 to 10000, found the number 10001",
        ),
        (
            "attempts = 101",
            "it.attempts: expected a whole number from 1 to 100, found the number 101",
        ),
        (
            "attempts = 0",
            "it.attempts: expected a whole number from 1 to 100, found the number 0",
        ),
        (
            "backoff = \"0s\"",
            "it.backoff: expected a duration from 1ms to 1h, found 0s",
        ),
        (
            "max_backoff = \"2h\"",
            "it.max_backoff: expected a duration from 1ms to 1h, found 2h",
        ),
        (
            "backoff = \"1m\"",
            "it.backoff: backoff 1m is longer than max_backoff 30s",
        ),
        (
            "max_backoff = \"50ms\"",
            "it.max_backoff: backoff 100ms is longer than max_backoff 50ms",
        ),
        (
            "overflow = \"drop\"",
            "it.overflow: unknown answer \"drop\", did you mean \"drop-oldest\"?",
        ),
    ] {
        assert_subscription(bad, &[line]);
    }
}

#[test]
fn a_queue_that_never_has_room_is_told() {
    assert_subscription(
        "queue_bytes = \"64KiB\"",
        &["warning: it.queue_bytes: a message of 1MiB never fits into 64KiB"],
    );
    assert_subscription(
        "queue_bytes = \"64KiB\"\n[bus]\nmax_message = \"64KiB\"",
        &[],
    );
}

#[test]
fn messages_that_come_twice_are_told() {
    let group = "group = \"g\"";
    for (topics, line) in [
        (
            [("orders.*", ""), ("orders.created", "")],
            "messages of orders.created come twice: line 7 takes them too",
        ),
        (
            [("orders.created", ""), ("orders.>", "")],
            "messages of orders.created come twice: line 7 takes them too",
        ),
        (
            [("a", ""), ("a", "")],
            "messages of a come twice: line 7 takes them too",
        ),
        (
            [("a", group), (">", group)],
            "messages of a are taken on line 7 too, in the same group g",
        ),
    ] {
        let line = format!("warning: component.a.subscribe[1].topic: {line}");
        assert_adds(&subscriptions(&topics), &[&line]);
    }
    for apart in [
        [("a", ""), ("b", "")],
        [("a.*", ""), ("*.b", "")],
        [("a", group), ("a", "")],
        [("a", group), ("a", "group = \"h\"")],
    ] {
        assert_adds(&subscriptions(&apart), &[]);
    }
}

#[test]
fn a_component_has_at_most_100_subscriptions() {
    let many = |count: usize| -> String {
        let topics: Vec<_> = (0..count).map(|n| format!("t{n}")).collect();
        let topics: Vec<_> = topics.iter().map(|topic| (topic.as_str(), "")).collect();
        subscriptions(&topics)
    };
    assert_adds(&many(100), &[]);
    assert_adds(
        &many(101),
        &["component.a.subscribe: 101 subscriptions are more than 100"],
    );
}

#[test]
fn a_component_that_messages_come_to_is_not_idle() {
    assert_adds(
        "[component.b]\nsource = \"b.wasm\"\nsubscribe = [{ topic = \"a\" }]",
        &[],
    );
    assert_adds(
        "[component.b]\nsource = \"b.wasm\"",
        &["warning: component.b: no route leads to this component"],
    );
}

#[test]
fn grants_of_topics_that_add_nothing_are_told() {
    for key in ["publish", "request"] {
        let told = |topics: &str, expected: &[&str]| {
            let expected = expected
                .iter()
                .map(|line| format!("warning: component.a.capabilities.{key}{line}"));
            let expected: Vec<_> = expected.collect();
            let expected: Vec<_> = expected.iter().map(String::as_str).collect();
            assert_grants(&format!("{key} = {topics}"), &expected);
        };
        told("[\"orders.created\", \"audit.>\"]", &[]);
        told(
            "[\"a\", \"a\"]",
            &["[1]: a is there twice, first on line 7"],
        );
        told(
            "[\"orders.created\", \"orders.*\"]",
            &["[0]: orders.created is covered by orders.* on line 7"],
        );
        told(
            "[\"a.>\", \"a.*.c\", \"a\"]",
            &["[1]: a.*.c is covered by a.> on line 7"],
        );
    }
    assert_grants(
        "publish = [\"a b\"]",
        &[
            "component.a.capabilities.publish[0]: ' ' is not allowed in a topic: use letters, \
           digits, `-`, `_`, `:`, `/`, `@`, `+`, `=` and, between tokens, `.`",
        ],
    );
}
