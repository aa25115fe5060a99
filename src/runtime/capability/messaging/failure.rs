//! Why a message was not sent, or not answered, in words that a guest may read: they name
//! neither other components nor what the bus is made of.

use crate::core::{
    Fault, HandleError, MessageError, Origin, PublishError, RequestError, TopicError,
};
use crate::monitoring::SendResult;

/// One set of causes for all interfaces; each has its own words for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Topic(#[from] TopicError),
    #[error("the key of a metadata entry is empty")]
    EmptyKey,
    #[error("the address of a reply is not one that was received")]
    ReplyAddress,
    #[error("the topic is not granted")]
    Denied,
    #[error("the message is too large: {0}")]
    TooLarge(#[from] MessageError),
    #[error("one request sends too many messages")]
    Exhausted,
    #[error("too many requests are under way")]
    TooManyPending,
    #[error("the instance holds too many messages")]
    HoldsTooMuch,
    #[error("there is no bus")]
    NoBus,
    #[error("the queue of a receiver is full")]
    QueueFull,
    #[error(
        "messages cause each other {} deep, or too many of them: a loop",
        Origin::MAX_DEPTH
    )]
    Loop,
    #[error("nobody waits for this reply any more")]
    NoRequester,
    #[error("the node drains")]
    Draining,
    #[error("the bus cannot be reached")]
    Unreachable,
    #[error("nobody listens to the topic")]
    NoReceiver,
    #[error("no reply came in time")]
    TimedOut,
    #[error("who got it returned without a reply")]
    NoReply,
    /// A handler's own word, or the label of a fault.
    #[error("who got it failed: {0}")]
    Failed(String),
    #[error("the request was cancelled")]
    Cancelled,
}

impl Failure {
    /// The metric label.
    pub fn result(&self) -> SendResult {
        match self {
            Self::Topic(_) | Self::EmptyKey | Self::ReplyAddress => SendResult::Invalid,
            Self::Denied => SendResult::Denied,
            Self::TooLarge(_) => SendResult::TooLarge,
            Self::Exhausted | Self::TooManyPending | Self::HoldsTooMuch => SendResult::Exhausted,
            Self::NoBus | Self::Draining | Self::Unreachable => SendResult::Unavailable,
            Self::QueueFull => SendResult::QueueFull,
            Self::Loop => SendResult::Loop,
            Self::NoRequester => SendResult::NoRequester,
            Self::NoReceiver => SendResult::NoReceiver,
            Self::TimedOut => SendResult::TimedOut,
            Self::NoReply => SendResult::NoReply,
            Self::Failed(_) => SendResult::Failed,
            Self::Cancelled => SendResult::Cancelled,
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::TooLarge(error) => Self::TooLarge(error),
            PublishError::QueueFull(_) => Self::QueueFull,
            PublishError::TooDeep => Self::Loop,
            PublishError::NoRequester => Self::NoRequester,
            PublishError::Draining => Self::Draining,
            PublishError::Unreachable(_) => Self::Unreachable,
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Publish(error) => error.into(),
            RequestError::NoReceiver => Self::NoReceiver,
            RequestError::TimedOut => Self::TimedOut,
            RequestError::NoReply => Self::NoReply,
            RequestError::Failed(error) => Self::Failed(match error {
                HandleError::Refused(reason) => reason,
                HandleError::Fault(fault) | HandleError::Busy(fault) => fault.label().to_owned(),
                HandleError::Stopped => Fault::Unavailable.label().to_owned(),
                HandleError::Hopeless(_) => "it cannot be handled".to_owned(),
            }),
        }
    }
}
