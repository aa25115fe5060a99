//! Messages between components, as plain data, and the bus as everybody meets it.

mod contract;
mod dead_letters;
mod error;
mod message;
mod policy;
mod topic;

pub use contract::{
    BusAnswer, BusFuture, BusObserver, Delivery, HandlerFuture, Inspection, Leaving, MessageBus,
    MessageHandler, MessageOutcome, QueueState, Receipt, RequestOptions, Subscription,
    SubscriptionObserver, SubscriptionState, Unsubscribe,
};
pub use dead_letters::{DeadLetter, DeadLetters, RedeliverError};
pub use error::{HandleError, PublishError, RequestError, SubscribeError};
pub use message::{Message, MessageBounds, MessageError, Publisher, Spread};
pub use policy::{Backoff, BusSpec, Overflow, SubscriptionSpec};
pub use topic::{GroupName, Topic, TopicError, TopicPattern};
