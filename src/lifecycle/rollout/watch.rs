//! Watches one rollout: counts each step by itself and says when it must end, and how.
//!
//! To be asked every 250 ms or so. Has no clock of its own, writes nothing down, and never
//! ends a step well, or for its error rate, on fewer than `min_requests` requests.

use std::time::{Duration, Instant};

use super::burst::Burst;
use super::judge::{self, Errors, Latency};
use super::window::Window;
use crate::core::{OnInconclusive, RolloutPolicy, Strategy};
use crate::lifecycle::state::{Numbers, Outcome, Phase, Rollout, Verdict};
use crate::monitoring::Reading;

/// What is held is written down: the shortest of intervals must not fill the disk.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
/// Characters that are kept of why a check failed.
const LONGEST_REASON: usize = 300;

/// The companion of one rollout under way, for as long as the process lives.
pub struct Watch {
    /// When the window began, and what each had done by then.
    began: Instant,
    candidate: Reading,
    stable: Reading,
    /// The window has served; the next look begins another.
    spent: bool,
    /// What the stable version did before it lost its traffic.
    before: Option<Numbers>,
    burst: Burst,
    check: Check,
    /// When it was last told that the numbers say nothing.
    held: Option<Instant>,
    /// Requests of both, and the place of the rollout, at the last look.
    seen: [u64; 2],
    place: Option<(usize, Phase)>,
    /// It has failed, and being asked again does not mend it.
    failed: Option<Verdict>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    Due,
    Running,
    Passed,
    Failed(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// Nothing; these are the numbers by now.
    Wait(Window),
    /// The policy's HTTP check is to be made and [`Watch::checked`] to be told. Said once
    /// for a window, whose end waits for it.
    CheckWanted,
    /// The rollout is to be rolled back. Said again until that is done.
    Failed(Verdict),
    /// The next step is to be taken. Said again until that is done, while it is so.
    StepDone(Verdict),
    /// The step goes on, as its numbers say nothing. Said once an interval.
    Held(Verdict),
}

impl Watch {
    /// Begins when a step has its traffic. `stable` is the sum of all versions beside the
    /// candidate.
    pub fn begin(now: Instant, candidate: Reading, stable: Reading) -> Self {
        Self {
            began: now,
            burst: Burst::begin(now, &candidate),
            seen: [candidate.requests(), stable.requests()],
            candidate,
            stable,
            spent: false,
            before: None,
            check: Check::Due,
            held: None,
            place: None,
            failed: None,
        }
    }

    /// Gives a blue-green rollout something to compare p99 with: what the stable version
    /// did in a window before the switch.
    pub fn compare_with(&mut self, before: &Reading) {
        self.before = Some(before.into());
    }

    /// A new interval begins, with a window of its own. A look that finds the rollout at
    /// another step, or no longer paused, does the same.
    pub fn resume(&mut self, now: Instant, candidate: Reading, stable: Reading) {
        self.began = now;
        self.seen = [candidate.requests(), stable.requests()];
        self.candidate = candidate;
        self.stable = stable;
        self.spent = false;
        self.check = Check::Due;
        self.held = None;
        self.place = None;
    }

    /// What came of the check that was wanted; the next look says what follows from it.
    pub fn checked(&mut self, result: Result<(), String>) {
        if self.check != Check::Running {
            return;
        }
        self.check = match result {
            Ok(()) => Check::Passed,
            Err(reason) => Check::Failed(reason.chars().take(LONGEST_REASON).collect()),
        };
    }

    /// What is to be done now, by all that both have done since they were loaded.
    pub fn look(
        &mut self,
        now: Instant,
        rollout: &Rollout,
        candidate: Reading,
        stable: Reading,
    ) -> Look {
        if let (Some(verdict), true) = (&self.failed, rollout.phase.is_active()) {
            return Look::Failed(verdict.clone());
        }
        self.follow(now, rollout, &candidate, &stable);
        let window = Window {
            length: now.saturating_duration_since(self.began),
            candidate: (&candidate.since(&self.candidate)).into(),
            stable: (&stable.since(&self.stable)).into(),
        };
        if !rollout.phase.is_active() {
            return Look::Wait(window);
        }
        let look = match rollout.policy.strategy {
            Strategy::Rolling | Strategy::Immediate => unanalysed(rollout, &window),
            Strategy::Canary | Strategy::BlueGreen => {
                let burst = self.burst.look(now, &candidate);
                self.analyse(now, rollout, &window, burst)
            }
        };
        if let Look::Failed(verdict) = &look {
            self.failed = Some(verdict.clone());
        }
        look
    }

    /// Begins another window where the one that there is has nothing more to say.
    fn follow(&mut self, now: Instant, rollout: &Rollout, candidate: &Reading, stable: &Reading) {
        let place = (rollout.step, rollout.phase);
        let has_moved = |(step, phase): (usize, Phase)| {
            step != place.0 || (phase == Phase::Paused && place.1 == Phase::Running)
        };
        let requests = [candidate.requests(), stable.requests()];
        // Versions that were loaded again count from zero.
        let went_back = requests[0] < self.seen[0] || requests[1] < self.seen[1];
        if went_back {
            self.burst = Burst::begin(now, candidate);
        }
        if went_back || self.spent || self.place.is_some_and(has_moved) {
            self.resume(now, candidate.clone(), stable.clone());
        }
        self.seen = requests;
        self.place = Some(place);
    }

    fn analyse(
        &mut self,
        now: Instant,
        rollout: &Rollout,
        window: &Window,
        burst: Option<String>,
    ) -> Look {
        let policy = &rollout.policy;
        let failed = |reason| Look::Failed(window.verdict(Outcome::Fail, reason));
        if let Some(burst) = burst {
            return failed(burst);
        }
        if let Check::Failed(reason) = &self.check {
            return failed(format!("the check failed: {reason}"));
        }
        let errors = judge::errors(policy, window);
        let is_over = window.length >= policy.interval;
        match errors {
            Errors::Above(reason) => failed(reason),
            _ if !is_over => Look::Wait(*window),
            // A pause may last for days, whose good requests must not hide bad ones.
            _ if rollout.phase == Phase::Paused => {
                self.spent = !matches!(errors, Errors::TooFewRequests(_));
                Look::Wait(*window)
            }
            Errors::TooFewRequests(reason) => self.inconclusive(now, policy, window, reason),
            Errors::AboveAsStable(reason) => {
                let look = self.inconclusive(now, policy, window, reason);
                // What troubles both may pass, and is not to be held against the candidate.
                self.spent = matches!(look, Look::Held(_));
                look
            }
            Errors::Within(reason) => self.compare(rollout, window, reason),
        }
    }

    fn inconclusive(
        &mut self,
        now: Instant,
        policy: &RolloutPolicy,
        window: &Window,
        reason: String,
    ) -> Look {
        let verdict = |reason| window.verdict(Outcome::Inconclusive, reason);
        match policy.on_inconclusive {
            OnInconclusive::Rollback => Look::Failed(verdict(format!(
                "{reason}; the policy is to roll back then"
            ))),
            OnInconclusive::Hold => {
                let pause = policy.interval.max(SHORTEST_HOLD);
                let is_told = |at: Instant| now.saturating_duration_since(at) < pause;
                if self.held.is_some_and(is_told) {
                    return Look::Wait(*window);
                }
                self.held = Some(now);
                Look::Held(verdict(reason))
            }
        }
    }

    /// The errors are within their bound and the interval is over: the rest decides.
    fn compare(&mut self, rollout: &Rollout, window: &Window, errors: String) -> Look {
        let policy = &rollout.policy;
        let before = self
            .before
            .filter(|_| policy.strategy == Strategy::BlueGreen);
        let (stable, when) = match before {
            Some(before) => (before, " before the switch"),
            None => (window.stable, ""),
        };
        let window = Window { stable, ..*window };
        let reason = match judge::latency(policy, &window.candidate, &stable, when) {
            Latency::Above(reason) => {
                return Look::Failed(window.verdict(Outcome::Fail, reason));
            }
            Latency::Unasked => errors,
            Latency::NotCompared(more) | Latency::Within(more) => format!("{errors}; {more}"),
        };
        if policy.check.is_none() || self.check == Check::Passed {
            return Look::StepDone(window.verdict(Outcome::Pass, reason));
        }
        if self.check == Check::Due {
            self.check = Check::Running;
            return Look::CheckWanted;
        }
        Look::Wait(window)
    }
}

fn unanalysed(rollout: &Rollout, window: &Window) -> Look {
    let (is_over, strategy) = match rollout.policy.strategy {
        Strategy::Immediate => (true, "an immediate"),
        _ => (window.length >= rollout.policy.interval, "a rolling"),
    };
    if rollout.phase == Phase::Paused || !is_over {
        return Look::Wait(*window);
    }
    let reason = format!("nothing is analysed in {strategy} rollout");
    Look::StepDone(window.verdict(Outcome::Inconclusive, reason))
}
