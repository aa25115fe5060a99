//! What candidate and stable versions did over the same time.

use std::time::Duration;

use crate::lifecycle::state::{Numbers, Outcome, Verdict};
use crate::monitoring::Reading;

/// The numbers of one window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// For how long both were counted.
    pub length: Duration,
    pub candidate: Numbers,
    /// All versions that the candidate is to replace, together.
    pub stable: Numbers,
}

impl Window {
    pub(super) fn verdict(&self, outcome: Outcome, reason: String) -> Verdict {
        Verdict {
            outcome,
            reason,
            window_ms: u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX),
            candidate: self.candidate,
            stable: self.stable,
        }
    }
}

impl From<&Reading> for Numbers {
    fn from(reading: &Reading) -> Self {
        Self {
            requests: reading.requests(),
            errors: reading.errors,
            traps: reading.traps,
            timeouts: reading.timeouts,
            memory: reading.memory,
            p99_ms: reading.p99().map(|p99| p99.as_secs_f64() * 1e3),
        }
    }
}
