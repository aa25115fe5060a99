//! Messages that were given up, as an operator meets them; what keeps them, nobody can tell.

use std::sync::Arc;

use super::{BusAnswer, BusFuture, Message, PublishError, Subscription};
use crate::core::Timestamp;

/// The messages that were given up, as many as are kept of them.
pub trait DeadLetters: Send + Sync + 'static {
    /// The newest first.
    fn dead_letters(&self, limit: usize) -> BusAnswer<'_, Vec<DeadLetter>>;

    /// Sends one to the subscription it came from, as if for the first time.
    ///
    /// # Errors
    /// It stays a dead letter: the subscription is gone, or takes nothing just now.
    fn redeliver(&self, id: u64) -> BusFuture<'_, (), RedeliverError>;

    /// Forgets one; whether there was one.
    fn discard(&self, id: u64) -> BusAnswer<'_, bool>;
}

/// A message that was given up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Unique while the node runs; later ones have higher ids.
    pub id: u64,
    pub when: Timestamp,
    /// Who could not handle it.
    pub subscription: Subscription,
    /// Why not, the last time.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// As it was sent.
    pub message: Arc<Message>,
}

/// Why a letter cannot be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedeliverError {
    #[error("there is no dead letter {0}, or none any more")]
    Unknown(u64),
    #[error("{0} does not subscribe to it any more")]
    Gone(Arc<str>),
    #[error(transparent)]
    Publish(#[from] PublishError),
}
