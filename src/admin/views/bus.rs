//! The bus, as it is shown.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::body::BodyView;
use crate::core::DeadLetter;
use crate::core::{Inspection, Message, Overflow, QueueState, SubscriptionState, Timestamp, Topic};

/// Bytes of the body of a dead letter.
const OF_A_LETTER: usize = 1 << 10;
/// Bytes of the body of a message that is watched.
const OF_A_MESSAGE: usize = 16 << 10;

/// The bus: who listens, and what waits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Bus")]
pub(in crate::admin) struct BusView {
    /// `local`, for one.
    backend: &'static str,
    /// Requests that wait for replies.
    requests: u64,
    /// Messages that were given up, since the start.
    dead: u64,
    subscriptions: Vec<SubscriptionView>,
}

/// Somebody who listens, and the queue.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subscription")]
struct SubscriptionView {
    /// A component, or a part of the gateway, in parentheses.
    subscriber: String,
    /// With `*` and `>`.
    topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// `reject` or `drop-oldest`: what becomes of a message that finds the queue full.
    overflow: &'static str,
    /// Messages that are handled at once.
    concurrency: u32,
    /// Messages that may wait.
    queue_limit: u32,
    /// It takes nothing new, and is gone when nothing waits any more.
    ending: bool,
    queue: QueueView,
}

/// A queue; all but the first four are counted since it began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Queue")]
struct QueueView {
    waiting: u64,
    waiting_bytes: u64,
    in_flight: u64,
    /// Waiting for another try, or for its component to take it; among `waiting`.
    delayed: u64,
    handled: u64,
    /// Tries that failed.
    failed: u64,
    /// Given up after the last try.
    dead: u64,
    /// Not taken, since the queue was full.
    rejected: u64,
    /// Dropped to make room.
    dropped: u64,
}

/// What became of what was published.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Published")]
pub(in crate::admin) enum PublishAnswer {
    One(Published),
    Many(PublishedMany),
}

/// A message that was published.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PublishedOne")]
pub(in crate::admin) struct Published {
    /// How many get it.
    pub receivers: u32,
}

/// Many messages that were published.
#[derive(Default, Serialize, JsonSchema)]
pub(in crate::admin) struct PublishedMany {
    pub published: u64,
    /// Not taken, or not by everybody, since a queue was full.
    pub rejected: u64,
}

/// A message as it passed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub(in crate::admin) struct MessageView {
    at: String,
    topic: String,
    /// A component, `(client)` or `(gateway)`.
    publisher: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    /// Somebody waits for a reply.
    is_request: bool,
    /// At most 16 KiB.
    #[serde(flatten)]
    body: BodyView,
}

/// Messages that were given up.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetters")]
pub(in crate::admin) struct DeadLettersView {
    /// The newest first.
    pub dead_letters: Vec<DeadLetterView>,
}

/// A message that was given up.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub(in crate::admin) struct DeadLetterView {
    id: u64,
    at: String,
    topic: String,
    /// Who could not handle it.
    subscriber: String,
    /// How often it was tried.
    attempts: u32,
    /// Why it failed, the last time.
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// At most 1 KiB.
    #[serde(flatten)]
    body: BodyView,
}

/// A message that is on its way again.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct Redelivered {
    /// Of the dead letter that it was.
    pub redelivered: u64,
}

impl From<Inspection> for BusView {
    fn from(inspection: Inspection) -> Self {
        let subscriptions = inspection.subscriptions.iter();
        Self {
            backend: inspection.backend,
            requests: inspection.requests as u64,
            dead: inspection.dead,
            subscriptions: subscriptions.map(SubscriptionView::new).collect(),
        }
    }
}

impl SubscriptionView {
    fn new(state: &SubscriptionState) -> Self {
        let spec = &state.subscription.spec;
        Self {
            subscriber: state.subscription.subscriber.to_string(),
            topic: spec.topic.to_string(),
            group: spec.group.as_ref().map(ToString::to_string),
            overflow: match spec.overflow {
                Overflow::Reject => "reject",
                Overflow::DropOldest => "drop-oldest",
            },
            concurrency: spec.concurrency.get(),
            queue_limit: spec.queue.get(),
            ending: state.is_ending,
            queue: state.queue.into(),
        }
    }
}

impl From<QueueState> for QueueView {
    fn from(queue: QueueState) -> Self {
        Self {
            waiting: queue.waiting,
            waiting_bytes: queue.waiting_bytes,
            in_flight: queue.in_flight,
            delayed: queue.delayed,
            handled: queue.handled,
            failed: queue.failed,
            dead: queue.dead,
            rejected: queue.rejected,
            dropped: queue.dropped,
        }
    }
}

impl MessageView {
    pub fn new(message: &Message, at: Timestamp) -> Self {
        Self {
            at: at.to_string(),
            topic: message.topic.to_string(),
            publisher: message.publisher.to_string(),
            content_type: message.content_type.as_deref().map(str::to_owned),
            metadata: message.metadata.iter().cloned().collect(),
            is_request: message.reply_to.as_ref().is_some_and(Topic::is_internal),
            body: BodyView::new(&message.body, OF_A_MESSAGE),
        }
    }
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        let message = &letter.message;
        Self {
            id: letter.id,
            at: letter.when.to_string(),
            topic: message.topic.to_string(),
            subscriber: letter.subscription.subscriber.to_string(),
            attempts: letter.attempts,
            error: letter.error,
            content_type: message.content_type.as_deref().map(str::to_owned),
            body: BodyView::new(&message.body, OF_A_LETTER),
        }
    }
}
