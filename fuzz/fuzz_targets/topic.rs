//! A pattern is read and written alike, and one that covers another takes every topic of it.

#![no_main]

use airgate_fuzz::core::{Topic, TopicPattern};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let patterns: Vec<TopicPattern> = text.lines().filter_map(pattern).collect();
    let topics: Vec<Topic> = text.lines().filter_map(topic).collect();
    for topic in &topics {
        let own: TopicPattern = topic.as_str().parse().unwrap();
        assert!(
            own.matches(topic),
            "{topic}: every topic is a pattern of itself"
        );
    }
    for wide in &patterns {
        for narrow in patterns.iter().filter(|narrow| wide.covers(narrow)) {
            let missed = topics
                .iter()
                .find(|topic| narrow.matches(topic) && !wide.matches(topic));
            assert!(
                missed.is_none(),
                "{wide} covers {narrow}, but not {missed:?}"
            );
        }
    }
});

fn pattern(text: &str) -> Option<TopicPattern> {
    let pattern: TopicPattern = text.parse().inspect_err(told).ok()?;
    assert_eq!(pattern.to_string(), text);
    assert!(pattern.covers(&pattern), "{pattern} covers itself");
    Some(pattern)
}

fn topic(text: &str) -> Option<Topic> {
    let topic: Topic = text.parse().inspect_err(told).ok()?;
    assert_eq!(topic.as_str(), text);
    assert!(
        !topic.is_internal(),
        "{topic}: nobody sends to the gateway's own"
    );
    assert!(text.len() <= 255 && text.split('.').all(|token| !token.is_empty()));
    Some(topic)
}

fn told(error: &impl std::error::Error) {
    drop(error.to_string());
}
