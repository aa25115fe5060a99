//! Whatever the file holds, the answer is a configuration or a report.

use proptest::prelude::*;

use super::example::{BUS, CAPABILITIES, DELIVERY, EXAMPLE};
use super::{BASE, directory, parse_in};
use crate::config::load;

/// Reports too must not panic: their spans come from anywhere.
fn survives(bytes: &[u8]) {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    std::fs::write(&file, bytes).unwrap();
    let report = match load(&file) {
        Ok((_, warnings)) => warnings.to_string(),
        Err(error) => error.to_string(),
    };
    drop(report);
}

/// Pieces that are more likely to make a file than bytes are.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("version = 1\n"),
        Just("[[route]]\n"),
        Just("[server"),
        Just("]\n"),
        Just("[component.a]\n"),
        Just("path = "),
        Just("prefix = "),
        Just("\"/{a}\""),
        Just("\"/%2e\u{e4}\""),
        Just("traffic = "),
        Just("{ "),
        Just(" }"),
        Just("[ "),
        Just(" ]"),
        Just(", "),
        Just("\"1.0\" = 1"),
        Just("5"),
        Just("\"5s\""),
        Just("\n"),
        Just("'''"),
        Just("\"\"\""),
        Just("\u{feff}"),
        Just("\0"),
        Just("\r\n"),
        Just("\r"),
        Just("source = "),
        Just("[component.a.capabilities]\n"),
        Just("http = "),
        Just("sockets = "),
        Just("\"https://*.internal\""),
        Just("\"tcp://[::ffff:0:0/96]:*\""),
        Just("private_networks = true\n"),
        Just("components = [\"a\"]\n"),
        Just("files = "),
        Just("{ source = \".\", at = \"/\" }"),
        Just("config = "),
        Just("{ file = \"token\" }"),
        Just("custom = "),
        Just("inf"),
        Just("nan"),
        Just("1e999"),
        Just("[security]\n"),
        Just("trusted_keys = "),
        Just("[[admin.tokens]]\n"),
        Just("steps = [5, 25, 50]\n"),
        Just("\"https://a/b.wasm?c\""),
        Just("\"oci://a.b/c:1\""),
        Just("mirror = { component = \"a\", percent = 10 }\n"),
        Just("hosts = "),
        Just("\"*.a:1\""),
        Just("headers = "),
        Just("x = "),
        Just("[storage.default]\n"),
        Just("[bus]\n"),
        Just("[[component.a.subscribe]]\n"),
        Just("[component.a.supervision]\n"),
        Just("topic = "),
        Just("\"orders.*\"\n"),
        Just("publish = "),
        Just("events = "),
        Just("actor = true\n"),
        Just("\t"),
        Just("\\u"),
        Just("日本"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn no_pieces_of_a_file_make_it_panic(text in pieces()) {
        survives(text.as_bytes());
    }

    #[test]
    fn no_damage_to_the_example_makes_it_panic(at in 0..EXAMPLE.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(EXAMPLE.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn no_damage_to_capabilities_makes_it_panic(at in 0..CAPABILITIES.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = CAPABILITIES.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(CAPABILITIES.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn no_damage_to_delivery_makes_it_panic(at in 0..DELIVERY.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = DELIVERY.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(DELIVERY.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn no_damage_to_the_bus_makes_it_panic(at in 0..BUS.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = BUS.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(BUS.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn topics_that_are_taken_are_topics(topic in "[a-c.*>_ ä]{0,8}") {
        let directory = directory();
        let text = format!("{BASE}[[component.a.subscribe]]\ntopic = {topic:?}\n");
        let is_pattern = topic.parse::<crate::core::TopicPattern>().is_ok();
        prop_assert_eq!(parse_in(directory.path(), &text).is_ok(), is_pattern);
        let text = format!("version = 1\n[[route]]\npath = \"/\"\npublish = {topic:?}\n");
        let is_topic = topic.parse::<crate::core::Topic>().is_ok();
        prop_assert_eq!(parse_in(directory.path(), &text).is_ok(), is_topic);
    }

    #[test]
    fn no_source_makes_it_panic_and_what_is_taken_is_not_plain_http(
        source in r"(https?|oci|HTTPS)://[a-z.:@/?#%\\ 0-9-]{0,24}"
    ) {
        let directory = directory();
        let text = format!("version = 1\n[component.a]\nsource = {source:?}\n");
        if let Ok((config, _)) = parse_in(directory.path(), &text) {
            let taken = config.components["a"].versions[0].source.to_string();
            let (scheme, rest) = taken.split_once("://").unwrap();
            let host = rest.split(['/', '?']).next().unwrap();
            prop_assert!(matches!(scheme, "https" | "oci"), "{taken}");
            prop_assert!(!host.is_empty() && !host.contains(['@', '%', '\\', ' ']), "{taken}");
        }
    }

    #[test]
    fn steps_that_are_taken_rise(steps in prop::collection::vec(-1..102i32, 0..4)) {
        let directory = directory();
        let text = format!("{BASE}[component.a.rollout]\nstrategy = \"canary\"\nsteps = {steps:?}\n");
        let rise = steps.windows(2).all(|pair| pair[0] < pair[1]);
        let is_right = rise && !steps.is_empty() && steps.iter().all(|step| (1..100).contains(step));
        prop_assert_eq!(parse_in(directory.path(), &text).is_ok(), is_right);
    }

    #[test]
    fn no_path_makes_it_panic_and_what_is_taken_is_normal(path in "/[a-c./%{}*2eE~ä]{0,16}") {
        let directory = directory();
        let text = format!("version = 1\n[[route]]\npath = {path:?}\nrespond = {{}}\n");
        if let Ok((config, _)) = parse_in(directory.path(), &text) {
            let taken = config.routes[0].path.as_str();
            prop_assert!(!taken.contains("//") && !taken.contains("/../") && !taken.contains("/./"));
        }
    }
}
