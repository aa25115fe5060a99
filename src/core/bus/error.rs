//! What can go wrong between a sender and a receiver.

use super::{MessageError, TopicPattern};
use crate::core::{Fault, Origin};

/// Why a message was not taken, or not by everybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the message is too large: {0}")]
    TooLarge(#[from] MessageError),
    #[error("the queue of {0} is full")]
    QueueFull(TopicPattern),
    /// Or too broad: its request has caused more messages than it may.
    #[error(
        "messages cause each other {} deep, or too many of them: a loop",
        Origin::MAX_DEPTH
    )]
    TooDeep,
    #[error("nobody waits for this reply any more")]
    NoRequester,
    #[error("the node drains")]
    Draining,
    /// Of a bus that others are connected to as well.
    #[error("the bus cannot be reached: {0}")]
    Unreachable(String),
}

/// Why a request has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("nobody listens to the topic")]
    NoReceiver,
    #[error("no reply came in time")]
    TimedOut,
    /// Everybody who got it is done.
    #[error("who got it returned without a reply")]
    NoReply,
    #[error("who got it failed: {0}")]
    Failed(HandleError),
}

/// Why a handler did not take a message. Most are tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The handler says so itself; the text is its own.
    #[error("the handler refused it: {0}")]
    Refused(String),
    /// Anything that keeps a component from an answer of its own.
    #[error("{0}")]
    Fault(Fault),
    /// It was not tried at all: there was no room for it, or its component restarts. It waits at
    /// the head of its publisher's messages, and that counts as no try.
    #[error("it is not taken now: {0}")]
    Busy(Fault),
    /// As busy, and will be until somebody starts the component again.
    #[error("its component is stopped")]
    Stopped,
    /// The message cannot be handled, however often it comes.
    #[error("it cannot be handled: {0}")]
    Hopeless(String),
}

/// Why a subscription cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    #[error("there are {0} subscriptions already")]
    TooMany(usize),
    #[error("the node drains")]
    Draining,
    /// Of a bus that others are connected to as well.
    #[error("the bus cannot be reached: {0}")]
    Unreachable(String),
}
