//! A burst of traps: reason enough to end a rollout at once, however few its requests are.
//!
//! Looks back over the last 5 s and at some fifty moments of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::figure;
use crate::monitoring::Reading;

const WINDOW: Duration = Duration::from_secs(5);
/// Fewer traps are no burst.
const TRAPS: u64 = 5;
/// Nor is a smaller share of the requests.
const PERCENT: u64 = 20;
/// Moments closer together than this are one: it bounds how many are remembered.
const GRAIN: Duration = Duration::from_millis(100);

pub(super) struct Burst {
    /// The oldest first, none older than the window.
    moments: VecDeque<Moment>,
}

#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    requests: u64,
    traps: u64,
}

impl Moment {
    fn of(at: Instant, reading: &Reading) -> Self {
        Self {
            at,
            requests: reading.requests(),
            traps: reading.traps,
        }
    }
}

impl Burst {
    pub fn begin(now: Instant, candidate: &Reading) -> Self {
        Self {
            moments: [Moment::of(now, candidate)].into(),
        }
    }

    /// The burst that is going on, in words.
    pub fn look(&mut self, now: Instant, candidate: &Reading) -> Option<String> {
        let age = |moment: &Moment| now.saturating_duration_since(moment.at);
        while self.moments.front().is_some_and(|it| age(it) > WINDOW) {
            self.moments.pop_front();
        }
        let latest = Moment::of(now, candidate);
        if self.moments.back().is_none_or(|it| age(it) >= GRAIN) {
            self.moments.push_back(latest);
        }
        let base = *self.moments.front()?;
        let traps = latest.traps.saturating_sub(base.traps);
        // A response that traps in its middle may belong to a request of before.
        let requests = latest.requests.saturating_sub(base.requests).max(traps);
        let is_burst =
            traps >= TRAPS && traps.saturating_mul(100) >= requests.saturating_mul(PERCENT);
        is_burst.then(|| {
            let percent = figure::short(traps as f64 / requests as f64 * 100.0);
            let seconds = WINDOW.as_secs();
            format!("{traps} traps in {seconds} s, {percent} % of its requests")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_it_looks_it_remembers_some_fifty_moments() {
        let (mut now, reading) = (Instant::now(), Reading::default());
        let mut burst = Burst::begin(now, &reading);
        for _ in 0..10_000 {
            now += Duration::from_millis(1);
            assert_eq!(burst.look(now, &reading), None);
            assert!(burst.moments.len() <= 51);
        }
        assert!(burst.moments.len() >= 50);
    }
}
