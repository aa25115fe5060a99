//! Lines for the operator's log that hostile traffic cannot multiply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One line in a while, if not said otherwise a second, however often there is reason for one.
pub struct Warnings {
    /// Milliseconds between two lines.
    pause: u64,
    since: Instant,
    /// Milliseconds from then on.
    next: AtomicU64,
    held_back: AtomicU64,
}

impl Default for Warnings {
    fn default() -> Self {
        Self::every(Duration::from_secs(1))
    }
}

impl Warnings {
    pub fn every(pause: Duration) -> Self {
        Self {
            pause: milliseconds(pause),
            since: Instant::now(),
            next: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
        }
    }

    /// Whether to write one, and how many were held back before it.
    pub fn may(&self) -> Option<u64> {
        let now = milliseconds(self.since.elapsed());
        let may = |next| (now >= next).then_some(now.saturating_add(self.pause));
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

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_is_counted_in_the_next_line() {
        let rare = Warnings::every(Duration::from_secs(3_600));
        assert_eq!(rare.may(), Some(0));
        assert_eq!((rare.may(), rare.may()), (None, None));
        let always = Warnings::every(Duration::ZERO);
        always.held_back.store(2, Ordering::Relaxed);
        assert_eq!((always.may(), always.may()), (Some(2), Some(0)));
    }
}
