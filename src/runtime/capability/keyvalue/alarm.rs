//! What the operator hears of when a store cannot do what a guest asks of it: each kind at
//! most once a second for a version of a component, however often it happens.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::core::StoreError;

/// Between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(1);

/// One for each version of a component.
#[derive(Default)]
pub(crate) struct StoreAlarm {
    kinds: [Pause; 3],
}

impl StoreAlarm {
    /// Whether the operator is to be told of this error now; then, how many like it there
    /// were since the last that was told.
    pub(super) fn raise(&self, error: &StoreError) -> Option<u64> {
        let kind = match error {
            StoreError::QuotaBytes { .. } | StoreError::QuotaKeys { .. } => 0,
            StoreError::Corrupt(_) => 1,
            StoreError::Unavailable(_) | StoreError::Unknown(_) | StoreError::Busy => 2,
            // What only the guest can mend.
            StoreError::Key(_)
            | StoreError::TooLarge { .. }
            | StoreError::TooMany(_)
            | StoreError::NotANumber
            | StoreError::Overflow => return None,
        };
        self.kinds[kind].end(now())
    }
}

/// Since the first call of all.
fn now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[derive(Default)]
struct Pause {
    /// Milliseconds.
    until: AtomicU64,
    kept: AtomicU64,
}

impl Pause {
    fn end(&self, now: Duration) -> Option<u64> {
        let now = now.as_millis() as u64;
        let until = self.until.load(Ordering::Relaxed);
        let next = now + PAUSE.as_millis() as u64;
        let swap = || {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            self.until.compare_exchange(until, next, success, failure)
        };
        if now < until || swap().is_err() {
            self.kept.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.kept.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_hears_of_it_once_a_second_and_how_often_it_was() {
        let pause = Pause::default();
        let at = |millis| pause.end(Duration::from_millis(millis));
        assert_eq!(at(0), Some(0));
        assert_eq!((at(1), at(999)), (None, None));
        assert_eq!(at(1_000), Some(2));
        assert_eq!(at(1_999), None);
        assert_eq!(at(5_000), Some(1));
    }

    #[test]
    fn a_full_quota_does_not_hide_damage() {
        let alarm = StoreAlarm::default();
        assert!(alarm.raise(&StoreError::QuotaKeys { limit: 1 }).is_some());
        assert!(alarm.raise(&StoreError::Corrupt("page 7".into())).is_some());
        assert!(alarm.raise(&StoreError::Busy).is_some());
        assert!(alarm.raise(&StoreError::QuotaKeys { limit: 1 }).is_none());
    }

    #[test]
    fn what_a_guest_does_wrong_is_for_the_guest() {
        let alarm = StoreAlarm::default();
        for error in [StoreError::TooMany(1_000), StoreError::NotANumber] {
            assert_eq!(alarm.raise(&error), None, "{error}");
        }
    }
}
