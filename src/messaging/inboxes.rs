//! Every request that waits for replies, by its address.
//!
//! Bounded by who waits: an address lives as long as the future of its request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::inbox::Inbox;
use crate::core::{Message, PublishError, Topic};

/// Side by side, so that requests of several threads seldom meet at one lock.
const SHELVES: usize = 16;

/// Hands replies to who waits for them.
pub struct Inboxes {
    shelves: [Shelf; SHELVES],
    secret: [u8; 32],
    number: AtomicU64,
    count: AtomicUsize,
}

type Shelf = Mutex<HashMap<Topic, Arc<Inbox>>>;

/// An inbox that can be reached until this is dropped.
pub struct Address {
    pub topic: Topic,
    pub inbox: Arc<Inbox>,
    inboxes: Arc<Inboxes>,
}

impl Inboxes {
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            shelves: Default::default(),
            secret,
            number: AtomicU64::new(0),
            count: AtomicUsize::new(0),
        }
    }

    pub fn open(self: &Arc<Self>, wanted: u32) -> Address {
        let topic = self.address();
        let inbox = Arc::new(Inbox::new(wanted));
        self.shelf(&topic).insert(topic.clone(), inbox.clone());
        self.count.fetch_add(1, Ordering::Relaxed);
        Address {
            topic,
            inbox,
            inboxes: self.clone(),
        }
    }

    /// A number under a key that nobody else has: 128 bits that cannot be told from chance.
    #[allow(
        clippy::expect_used,
        reason = "a fixed word and hex digits are a topic"
    )]
    fn address(&self) -> Topic {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::keyed_hash(&self.secret, &number.to_le_bytes());
        let text = format!("_INBOX.{}", &hash.to_hex()[..32]);
        Topic::internal(&text).expect("a valid topic")
    }

    fn shelf(&self, topic: &Topic) -> MutexGuard<'_, HashMap<Topic, Arc<Inbox>>> {
        let last = topic.as_str().bytes().next_back().unwrap_or_default();
        let shelf = &self.shelves[usize::from(last) % SHELVES];
        shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// Nobody waits at the address, or for more.
    pub fn reply(&self, message: Message) -> Result<(), PublishError> {
        let inbox = self.shelf(&message.topic).get(&message.topic).cloned();
        inbox.ok_or(PublishError::NoRequester)?.reply(message)
    }

    /// Requests that wait.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.inboxes.shelf(&self.topic).remove(&self.topic);
        self.inboxes.count.fetch_sub(1, Ordering::Relaxed);
    }
}
