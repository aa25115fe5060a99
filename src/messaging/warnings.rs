//! Lines for the operator's log that hostile traffic cannot multiply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Milliseconds between two lines.
const PAUSE: u64 = 1_000;

/// One line a second, however often there is reason for one.
pub struct Warnings {
    since: Instant,
    /// Milliseconds from then on.
    next: AtomicU64,
    held_back: AtomicU64,
}

impl Default for Warnings {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            next: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
        }
    }
}

impl Warnings {
    /// Whether to write one, and how many were held back before it.
    pub fn may(&self) -> Option<u64> {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let may = |next| (now >= next).then_some(now.saturating_add(PAUSE));
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.next.fetch_update(set, read, may) {
            Ok(_) => Some(self.held_back.swap(0, Ordering::Relaxed)),
            Err(_) => {
                self.held_back.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}
