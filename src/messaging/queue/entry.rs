//! A message on its way into a queue, in it, and out of it.

use std::sync::Arc;
use std::time::Instant;

use super::super::inbox::Inbox;
use crate::core::Message;

/// One message for one subscription.
#[derive(Clone)]
pub struct Entry {
    pub message: Arc<Message>,
    /// As [`Message::weight`] counts it.
    pub weight: u64,
    /// Entries with the same keep their order.
    pub key: u64,
    /// The key of a request where nothing of its own key waits or runs: requests of one publisher
    /// run side by side.
    pub alone: Option<u64>,
    /// When it was taken from its sender.
    pub taken: Instant,
    /// Which of all that the queue ever took, from 1; 0 before it did. What comes back keeps it.
    pub age: u64,
    /// How often it has been tried.
    pub attempts: u32,
    /// How often it was not taken; that is no try.
    pub deferrals: u32,
    /// Its last pause ended early, since another was tried meanwhile.
    pub was_woken: bool,
    /// Who waits for replies to it.
    pub inbox: Option<Arc<Inbox>>,
    /// It says that another was given up, so that there is no such message about itself.
    pub is_letter: bool,
}

/// An entry whose handler runs.
pub struct Running {
    pub entry: Entry,
    /// Where its key is busy.
    pub lane: u32,
}

/// Which waiting entry of a queue. Not the one that has its place later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub place: u32,
    pub number: u64,
}

/// What to do where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// What the subscription is made for.
    Overflow,
    /// Nothing: somebody else may have room.
    GoOn,
}

/// What became of an offer.
pub enum Offer {
    Taken(Ticket),
    Full,
    /// Nobody listens there any more.
    Closed,
    Draining,
}
