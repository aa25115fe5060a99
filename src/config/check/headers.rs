//! Header fields that routes match, set and remove.

use std::collections::HashSet;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue};

use crate::config::model::HeaderEdits;
use crate::config::raw::RawHeaderEdits;
use crate::config::read::{At, Entries, Field, Problems};

/// What belongs to one connection and not to the message (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    Request,
    Response,
}

pub(super) fn edits(
    field: &Field<RawHeaderEdits>,
    message: Message,
    problems: &mut Problems<'_>,
) -> HeaderEdits {
    let Some(raw) = field.given() else {
        return HeaderEdits::default();
    };
    let remove = raw.remove.value().into_iter().flatten();
    HeaderEdits {
        set: fields(&raw.set, message, problems),
        remove: remove
            .filter(|name| is_free(name, message, problems))
            .map(|name| name.value.clone())
            .collect(),
    }
}

/// Fields to write into a message.
pub(super) fn fields(
    field: &Field<Entries<HeaderName, HeaderValue>>,
    message: Message,
    problems: &mut Problems<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    if let Some(entries) = field.given() {
        for entry in &entries.0 {
            is_free(&entry.key, message, problems);
        }
    }
    pairs(field, problems)
}

/// Fields that a request must have.
pub(super) fn conditions(
    field: &Field<Entries<HeaderName, HeaderValue>>,
    problems: &mut Problems<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    let entries = field.value().into_iter().flat_map(|entries| &entries.0);
    for host in entries.filter(|entry| entry.key.value == HOST) {
        problems.error(&host.key.place, "the host is matched with `hosts`");
    }
    pairs(field, problems)
}

fn pairs(
    field: &Field<Entries<HeaderName, HeaderValue>>,
    problems: &mut Problems<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for entry in field.value().into_iter().flat_map(|entries| &entries.0) {
        if !seen.insert(&entry.key.value) {
            let message = format!(
                "{:?} is there twice: case does not count",
                entry.key.as_str()
            );
            problems.error(&entry.key.place, message);
        }
        if let Some(value) = entry.value.value() {
            pairs.push((entry.key.value.clone(), value.clone()));
        }
    }
    pairs
}

/// Reports fields that only the server itself can get right.
fn is_free(name: &At<HeaderName>, message: Message, problems: &mut Problems<'_>) -> bool {
    let text = name.as_str();
    let reason = if HOP_BY_HOP.contains(&text) {
        "belongs to the connection, not to the message"
    } else if name.value == CONTENT_LENGTH {
        "follows from the body"
    } else if name.value == HOST && message == Message::Request {
        "decides which route is taken and is checked before"
    } else {
        return true;
    };
    problems.error(
        &name.place,
        format!("{text:?} cannot be changed: it {reason}"),
    );
    false
}

/// Reports fields that say nothing about who sent a message.
pub(super) fn refuse_hop_by_hop(name: &At<HeaderName>, problems: &mut Problems<'_>) {
    if HOP_BY_HOP.contains(&name.as_str()) {
        problems
            .error(
                &name.place,
                format!(
                    "{:?} belongs to the connection, not to the client",
                    name.as_str()
                ),
            )
            .help("name one that the client, or who authenticates it, sets");
    }
}
