//! A rollout whose requests and time the test makes.

use std::time::{Duration, Instant};

use crate::core::{HttpCheck, RolloutPolicy, Strategy, Timestamp};
use crate::lifecycle::rollout::window::Window;
use crate::lifecycle::rollout::{Look, Watch};
use crate::lifecycle::state::{Outcome, Phase, Rollout, Traffic, Verdict};
use crate::monitoring::{Ending, Tally};

pub const INTERVAL: Duration = Duration::from_secs(60);
/// How often the rollout is looked at.
pub const OFTEN: Duration = Duration::from_millis(250);
pub const ENOUGH: u64 = 100;

pub struct Scene {
    pub rollout: Rollout,
    pub watch: Watch,
    pub candidate: Tally,
    pub stable: Tally,
    pub now: Instant,
}

pub fn rollout(strategy: Strategy) -> Rollout {
    Rollout {
        id: 7,
        candidate: "new".parse().unwrap(),
        from: Traffic::only("old".parse().unwrap()),
        policy: RolloutPolicy {
            strategy,
            steps: RolloutPolicy::default_steps(strategy),
            interval: INTERVAL,
            min_requests: ENOUGH,
            max_error_rate: 0.01,
            ..RolloutPolicy::default()
        },
        step: 0,
        phase: Phase::Running,
        by: "tests".into(),
        started: Timestamp::from_millis(1_000),
        changed: Timestamp::from_millis(1_000),
        reason: None,
        verdict: None,
    }
}

pub fn check() -> HttpCheck {
    HttpCheck {
        url: "http://127.0.0.1/ready".into(),
        timeout: Duration::from_secs(5),
    }
}

/// After a rollout's beginning.
pub fn later() -> Timestamp {
    Timestamp::from_millis(9_000)
}

impl Scene {
    pub fn of(strategy: Strategy) -> Self {
        Self::with(rollout(strategy))
    }

    pub fn canary() -> Self {
        Self::of(Strategy::Canary)
    }

    pub fn with(rollout: Rollout) -> Self {
        let (candidate, stable) = (Tally::default(), Tally::default());
        let now = Instant::now();
        let watch = Watch::begin(now, candidate.read(), stable.read());
        Self {
            rollout,
            watch,
            candidate,
            stable,
            now,
        }
    }

    pub fn policy(&mut self) -> &mut RolloutPolicy {
        &mut self.rollout.policy
    }

    pub fn look(&mut self) -> Look {
        let (candidate, stable) = (self.candidate.read(), self.stable.read());
        self.watch.look(self.now, &self.rollout, candidate, stable)
    }

    pub fn look_after(&mut self, duration: Duration) -> Look {
        self.now += duration;
        self.look()
    }

    /// Looks often for so long, and answers with all that was to be done.
    pub fn watch_for(&mut self, duration: Duration) -> Vec<Look> {
        let until = self.now + duration;
        let mut looks = Vec::new();
        while self.now < until {
            looks.push(self.look_after(OFTEN));
        }
        looks.retain(|look| !matches!(look, Look::Wait(_)));
        looks
    }

    pub fn resume(&mut self) {
        self.rollout.phase = Phase::Running;
        let (candidate, stable) = (self.candidate.read(), self.stable.read());
        self.watch.resume(self.now, candidate, stable);
    }
}

/// So many good calls and so many that end otherwise, all within a few milliseconds.
pub fn calls(tally: &Tally, good: u64, bad: u64, ending: Ending) {
    let count = |calls, ending| {
        (0..calls).for_each(|_| tally.count(Duration::from_millis(5), ending));
    };
    count(good, Ending::Good);
    count(bad, ending);
}

pub fn slow_calls(tally: &Tally, calls: u64, millis: u64) {
    (0..calls).for_each(|_| tally.count(Duration::from_millis(millis), Ending::Good));
}

#[track_caller]
pub fn waiting(look: Look) -> Window {
    match look {
        Look::Wait(window) => window,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn failed(look: Look) -> Verdict {
    match look {
        Look::Failed(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn done(look: Look) -> Verdict {
    match look {
        Look::StepDone(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn held(look: Look) -> Verdict {
    match look {
        Look::Held(verdict) => {
            assert_eq!(verdict.outcome, Outcome::Inconclusive);
            verdict
        }
        other => panic!("{other:?}"),
    }
}
