//! The bus as everybody meets it: who sends, who listens and who looks. What stands behind it,
//! this process or a cluster, nobody can tell.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use super::{
    HandleError, Message, PublishError, RequestError, Spread, SubscribeError, SubscriptionSpec,
};

pub type BusFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<(), HandleError>> + Send>>;

/// Carries messages.
pub trait MessageBus: Send + Sync + 'static {
    /// Sends a message to who listens to its topic. Without anybody there it is taken all the
    /// same. A message to the `reply_to` of another is a reply.
    ///
    /// # Errors
    /// It was not taken, or not by everybody.
    fn publish(&self, message: Message, spread: Spread) -> BusFuture<'_, Receipt, PublishError>;

    /// Sends a message and waits for replies: as many as are wanted, or those that came before
    /// the deadline. Its `reply_to` is set here. Dropping the future cancels the request: a
    /// handler that already runs for it is stopped where it can be.
    ///
    /// # Errors
    /// There was no reply at all; never silence.
    fn request(
        &self,
        message: Message,
        options: RequestOptions,
    ) -> BusFuture<'_, Vec<Message>, RequestError>;

    /// Lets `handler` have what the subscription is for, until the answer is dropped: then
    /// nothing new is taken, and what waits is still handled.
    ///
    /// # Errors
    /// There is no room for it.
    fn subscribe(
        &self,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
    ) -> Result<Unsubscribe, SubscribeError>;

    /// How it stands.
    fn inspect(&self) -> Inspection;

    /// Takes nothing new but replies, and returns when nothing waits any more.
    fn drain(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Takes messages. A handler that fails gets the message again, later.
pub trait MessageHandler: Send + Sync + 'static {
    /// Dropping the future stops it.
    fn handle(&self, delivery: Delivery) -> HandlerFuture;
}

/// A message at one of those who get it.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub message: Arc<Message>,
    /// Which try it is, from 1.
    pub attempt: u32,
}

/// What became of a message that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// How many get it, as far as the bus can tell.
    pub receivers: u32,
}

/// How long to wait, and for how many.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions {
    pub deadline: Instant,
    /// At least one.
    pub replies: u32,
}

impl RequestOptions {
    /// For one reply.
    pub fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            replies: 1,
        }
    }
}

/// Somebody's wish to get messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Who: a component's name, or what the gateway calls a part of itself.
    pub subscriber: Arc<str>,
    pub spec: SubscriptionSpec,
}

/// Ends a subscription when it is dropped.
pub struct Unsubscribe(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Unsubscribe {
    pub fn by(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Unsubscribe {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// How a bus stands.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// `local`, for one.
    pub backend: &'static str,
    pub subscriptions: Vec<SubscriptionState>,
    /// Requests that wait for replies.
    pub requests: usize,
    /// Messages that were given up, since the start.
    pub dead: u64,
}

/// How a subscription stands.
#[derive(Debug, Clone)]
pub struct SubscriptionState {
    pub subscription: Subscription,
    pub queue: QueueState,
}

/// What is in a queue, and what has become of what was; counted since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueState {
    pub waiting: u64,
    /// As [`Message::weight`] counts them.
    pub waiting_bytes: u64,
    /// Handled just now.
    pub in_flight: u64,
    /// Waiting for another try; among `waiting`.
    pub delayed: u64,
    pub handled: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Given up after the last try.
    pub dead: u64,
    /// Not taken, since the queue was full.
    pub rejected: u64,
    /// Dropped to make room.
    pub dropped: u64,
}

/// Who counts what happens on a bus.
pub trait BusObserver: Send + Sync + 'static {
    /// Once a subscription: what is counted for it. The pattern is a label, never the topic.
    fn subscription(&self, subscription: &Subscription) -> Arc<dyn SubscriptionObserver>;
}

/// Who counts what happens to the messages of one subscription.
pub trait SubscriptionObserver: Send + Sync + 'static {
    fn count(&self, outcome: MessageOutcome);

    /// From the moment a message was taken to the end of its handler.
    fn handled_after(&self, latency: std::time::Duration);
}

/// What became of a message at one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    Handled,
    /// A try failed, and there will be another.
    Retried,
    /// It was not taken just now, and waits.
    Deferred,
    /// The last try failed.
    DeadLettered,
    /// The queue was full.
    Rejected,
    /// Dropped to make room.
    Dropped,
    /// A request whose handler failed, or that nobody waited for any more.
    Failed,
}

impl MessageOutcome {
    pub const ALL: [Self; 7] = [
        Self::Handled,
        Self::Retried,
        Self::Deferred,
        Self::DeadLettered,
        Self::Rejected,
        Self::Dropped,
        Self::Failed,
    ];

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Retried => "retried",
            Self::Deferred => "deferred",
            Self::DeadLettered => "dead_lettered",
            Self::Rejected => "rejected",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}
