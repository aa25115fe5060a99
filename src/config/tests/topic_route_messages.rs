//! What an operator reads about routes to topics.

use super::{BASE, messages};

/// One route with these keys, above a component that listens to `heard.*`.
#[track_caller]
fn assert_route(keys: &str, expected: &[&str]) {
    let found = messages(&format!(
        "{BASE}[[component.a.subscribe]]\ntopic = \"heard.*\"\n[[route]]\npath = \"/x\"\n{keys}\n"
    ));
    let found: Vec<_> = found
        .iter()
        .map(|line| line.replace("route[1]", "it"))
        .collect();
    assert_eq!(found, expected, "{keys}");
}

#[test]
fn a_route_leads_to_one_topic_or_something_else() {
    for good in [
        "publish = \"heard.x\"",
        "request = \"heard.x\"",
        "request = \"heard.x\"\ntimeout = \"1h\"",
        "events = \"heard.>\"",
        "events = \"other\"",
    ] {
        assert_route(good, &[]);
    }
    assert_route(
        "publish = \"heard.x\"\nrequest = \"heard.x\"\ncomponent = \"a\"",
        &["it: only one can answer a route, found component and publish and request"],
    );
    assert_route(
        "publish = \"heard.*\"",
        &["it.publish: `*` is a wildcard: a message is sent to one topic"],
    );
    assert_route(
        "request = \"a..b\"",
        &["it.request: a token between two dots is empty"],
    );
    assert_route(
        "events = \"_INBOX.>\"",
        &["it.events: topics that begin with `_` are the gateway's own"],
    );
}

#[test]
fn only_who_waits_for_a_reply_has_a_timeout() {
    let told = &["it.timeout: a timeout is how long to wait for a reply"];
    assert_route("publish = \"heard.x\"\ntimeout = \"1s\"", told);
    assert_route("component = \"a\"\ntimeout = \"1s\"", told);
    assert_route(
        "request = \"heard.x\"\ntimeout = \"0s\"",
        &["it.timeout: expected a duration from 1ms to 1h, found 0s"],
    );
}

#[test]
fn methods_suit_the_topic() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert_route(
            &format!("publish = \"heard.x\"\nmethods = [\"POST\", {method:?}]"),
            &[&format!(
                "it.methods[1]: {method} has no body that could be a message"
            )],
        );
    }
    assert_route("publish = \"heard.x\"\nmethods = [\"PATCH\"]", &[]);
    assert_route("request = \"heard.x\"\nmethods = [\"GET\"]", &[]);
    assert_route("events = \"heard.x\"\nmethods = [\"GET\"]", &[]);
    assert_route(
        "events = \"heard.x\"\nmethods = [\"POST\"]",
        &["it.methods[0]: POST is no way to listen to events"],
    );
    assert_route(
        "publish = \"heard.x\"\nmethods = []",
        &["it.methods: an empty list allows no method"],
    );
}

#[test]
fn what_changes_a_request_that_nobody_sees_is_told() {
    let changes = "strip_prefix = \"/x\"\nrequest_headers = { remove = [\"a\"] }\n\
        response_headers = { set = { a = \"b\" } }";
    assert_route(
        &format!("events = \"heard.x\"\n{changes}"),
        &[
            "warning: it.strip_prefix: who listens to events sends nothing: this has no effect",
            "warning: it.request_headers: who listens to events sends nothing: this has no effect",
        ],
    );
    for key in ["publish", "request"] {
        assert_route(&format!("{key} = \"heard.x\"\n{changes}"), &[]);
    }
}

#[test]
fn only_what_goes_to_a_component_is_mirrored() {
    for key in ["publish", "request", "events"] {
        assert_route(
            &format!("{key} = \"heard.x\"\nmirror = {{ component = \"a\", percent = 1 }}"),
            &["it.mirror: only what goes to a component can be mirrored"],
        );
    }
}

#[test]
fn a_topic_that_nobody_listens_to_is_told() {
    let watched = "[[route]]\npath = \"/y\"\nevents = \"seen.>\"";
    assert_route(
        "publish = \"other\"",
        &["warning: it.publish: nobody listens to other: what is sent there is lost"],
    );
    assert_route(
        "request = \"other\"",
        &["warning: it.request: no component listens to other: nobody replies"],
    );
    assert_route(&format!("publish = \"seen.x\"\n{watched}"), &[]);
    assert_route(
        &format!("request = \"seen.x\"\n{watched}"),
        &["warning: it.request: no component listens to seen.x: nobody replies"],
    );
    assert_route(
        "publish = \"other\"\nnamee = 1",
        &["it: unknown key \"namee\", did you mean \"name\"?"],
    );
}

#[test]
fn one_path_is_sent_to_and_listened_to() {
    assert_route(
        "publish = \"heard.x\"\n[[route]]\npath = \"/x\"\nevents = \"heard.*\"",
        &[],
    );
    assert_route(
        "publish = \"heard.x\"\n[[route]]\npath = \"/x\"\nrequest = \"heard.x\"",
        &["route[2]: \"/x\" cannot be told apart from it, first defined on line 8"],
    );
}
