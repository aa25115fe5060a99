//! Asking for events.

use super::support::{denial, deploy, targets};
use crate::core::Timestamp;
use crate::security::audit::{Event, Kind, Query, Trail};

fn parse(json: &str) -> Result<Query, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn the_newest_come_first_and_a_hundred_of_them() {
    let trail = Trail::in_memory();
    for number in 0..2_000 {
        assert!(trail.record(deploy(number)));
    }
    let all = targets(&trail, &Query::default());
    assert_eq!(
        (all.len(), all[0].as_str(), all[99].as_str()),
        (100, "1999", "1900")
    );
    for (limit, expected) in [(0, 0), (1, 1), (1_000, 1_000), (usize::MAX, 1_000)] {
        let query = Query {
            limit,
            ..Query::default()
        };
        assert_eq!(targets(&trail, &query).len(), expected);
    }
}

#[test]
fn a_query_narrows_by_kind_component_capability_and_time() {
    let trail = Trail::in_memory();
    let mut old = denial("cart", "old");
    old.time = Timestamp::from_millis(1_000);
    trail.record(old);
    trail.record(denial("cart", "a"));
    trail.record(denial("stock", "b").capability("sockets"));
    trail.record(Event {
        kind: Kind::Audited,
        ..denial("cart", "c")
    });
    trail.record(deploy(1));
    for (query, expected) in [
        (r"{}", vec!["1", "c", "b", "a", "old"]),
        (r#"{"kind": "denied"}"#, vec!["b", "a", "old"]),
        (r#"{"component": "cart"}"#, vec!["c", "a", "old"]),
        (r#"{"capability": "sockets"}"#, vec!["b"]),
        (
            r#"{"kind": "denied", "component": "cart", "since": "1001"}"#,
            vec!["a"],
        ),
        (
            r#"{"component": "cart", "since": "1970-01-01T00:00:01Z"}"#,
            vec!["c", "a", "old"],
        ),
        (r#"{"component": "other"}"#, vec![]),
    ] {
        assert_eq!(targets(&trail, &parse(query).unwrap()), expected, "{query}");
    }
}

#[test]
fn a_query_with_a_mistake_is_refused() {
    for (query, message) in [
        (r#"{"kind": "deny"}"#, "unknown variant"),
        (r#"{"kinds": "denied"}"#, "unknown field"),
        (r#"{"component": "a/b"}"#, "not allowed in a name"),
        (r#"{"since": "yesterday"}"#, "expected a time such as"),
    ] {
        let error = parse(query).unwrap_err();
        assert!(error.contains(message), "{query}: {error}");
    }
}
