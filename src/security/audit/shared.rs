//! What the recorders of events and the thread that writes them have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::event::Event;
use super::flood::Flood;
use super::ring::Ring;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Events that are not on disk.
    dropped: AtomicU64,
}

/// Held for moments only: nothing is written or waited for meanwhile.
pub(super) struct State {
    pub ring: Ring,
    pub flood: Flood,
}

impl Shared {
    pub fn new(ring: Ring) -> Arc<Self> {
        let flood = Flood::new(Instant::now());
        Arc::new(Self {
            state: Mutex::new(State { ring, flood }),
            dropped: AtomicU64::new(0),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has at worst not recorded its event.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl State {
    /// Puts an event into memory, and returns it for the disk.
    pub fn keep(&mut self, event: Event) -> Arc<Event> {
        let event = Arc::new(event);
        self.ring.push(event.clone());
        event
    }
}
