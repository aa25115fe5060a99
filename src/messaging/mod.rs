//! Messages between components: topics, groups, retry, requests and dead letters.
//!
//! Every subscription has a queue of its own, bounded in messages and bytes; nobody ever waits
//! for somebody else's. Handlers run in tasks of their own, and messages live in memory only.

mod activity;
mod bury;
mod bus;
mod caused;
mod chance;
mod dead_letters;
mod handling;
mod inbox;
mod inboxes;
mod index;
mod listener;
mod publish;
mod pump;
mod queue;
mod request;
mod route;
mod warnings;

#[cfg(test)]
mod tests;

pub use bus::{LocalBus, MOST_SUBSCRIPTIONS};
pub use dead_letters::MOST_LETTERS;
