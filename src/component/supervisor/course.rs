//! What follows from what happens to a version: its state, its history, and the policy decide.
//! Pure: the time and the chance are told.
//!
//! What counts as a failure is the owner's to know; here one failure is as good as another.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::core::{HealthStatus, RunState, Supervision, SupervisionStrategy};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Its first instance is made, or the next one after a pause.
    Begins,
    /// An instance was made and initialized.
    Started,
    Failed,
    /// A health check was answered.
    Answered(HealthStatus),
    /// A health check was not: the guest trapped, or took too long.
    Unanswered,
    /// Somebody restarts it.
    Restarted,
    /// A member of its group has escalated, maybe itself.
    GroupFailed,
    /// Somebody stops it.
    StopAsked,
    /// All instances have ended.
    Ended,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing, but the state may be another.
    GoOn,
    /// All instances are dropped, and after this pause it begins again.
    RestartAfter(std::time::Duration),
    /// An instance is made, to see whether it starts.
    Start,
    /// All instances are told to end, then it starts.
    StartAnew,
    /// All instances are told to end.
    End,
    /// All instances are dropped.
    GiveUp,
    /// As given up, and others are told.
    Escalate,
    /// It was restarted too often already to be restarted once more with its group.
    Exceeded,
}

/// Where a version is, and how it came there.
pub(super) struct Course {
    state: RunState,
    /// When it was restarted, within the window; never more than the policy permits, and one.
    restarts: VecDeque<Instant>,
    /// When it was last restarted with its group.
    with_group: Option<Instant>,
    /// Health checks in a row that went wrong.
    bad_answers: u32,
}

impl Course {
    pub fn new() -> Self {
        Self {
            state: RunState::Installing,
            restarts: VecDeque::new(),
            with_group: None,
            bad_answers: 0,
        }
    }

    pub fn state(&self) -> RunState {
        self.state
    }

    /// `chance` is between 0 and 1.
    pub fn on(
        &mut self,
        event: Event,
        policy: &Supervision,
        now: Instant,
        chance: f64,
    ) -> Decision {
        use RunState::{Installing, Restarting, Running, Starting, Stopped, Stopping};
        match (event, self.state) {
            (Event::Begins, Installing | Restarting) => self.turn(Starting, Decision::Start),
            (Event::Started, Starting) => self.turn(Running, Decision::GoOn),
            (Event::Failed, state) if state.serves() => self.fail(policy, now, chance),
            (Event::Answered(HealthStatus::Unhealthy) | Event::Unanswered, state) => {
                self.suspect(state, policy, now, chance)
            }
            (Event::Answered(status), state) => self.note(status, state),
            (Event::Restarted, _) => {
                (self.restarts, self.with_group) = (VecDeque::new(), None);
                self.turn(Starting, Decision::StartAnew)
            }
            // What was stopped is not brought back by others.
            (Event::GroupFailed, Installing | Stopping | Stopped) => Decision::GoOn,
            (Event::GroupFailed, _) => self.restart_with_group(policy, now),
            (Event::StopAsked, Stopping | Stopped) => Decision::GoOn,
            (Event::StopAsked, _) => self.turn(Stopping, Decision::End),
            (Event::Ended, Stopping) => self.turn(Stopped, Decision::GoOn),
            (Event::Begins | Event::Started | Event::Failed | Event::Ended, _) => Decision::GoOn,
        }
    }

    fn turn(&mut self, state: RunState, decision: Decision) -> Decision {
        self.bad_answers = 0;
        self.state = state;
        decision
    }

    fn note(&mut self, status: HealthStatus, state: RunState) -> Decision {
        self.bad_answers = 0;
        if matches!(state, RunState::Running | RunState::Degraded) {
            self.state = match status {
                HealthStatus::Healthy => RunState::Running,
                HealthStatus::Degraded | HealthStatus::Unhealthy => RunState::Degraded,
            };
        }
        Decision::GoOn
    }

    fn suspect(
        &mut self,
        state: RunState,
        policy: &Supervision,
        now: Instant,
        chance: f64,
    ) -> Decision {
        if !matches!(state, RunState::Running | RunState::Degraded) {
            return Decision::GoOn;
        }
        self.bad_answers += 1;
        if self.bad_answers >= policy.health.failures.get() {
            return self.fail(policy, now, chance);
        }
        self.state = RunState::Degraded;
        Decision::GoOn
    }

    fn fail(&mut self, policy: &Supervision, now: Instant, chance: f64) -> Decision {
        if policy.strategy == SupervisionStrategy::Stop {
            return self.turn(RunState::Stopped, Decision::GiveUp);
        }
        if self.is_exceeded(policy, now) {
            return match policy.strategy {
                SupervisionStrategy::Escalate => self.turn(RunState::Failed, Decision::Escalate),
                _ => self.turn(RunState::Stopped, Decision::GiveUp),
            };
        }
        self.restarts.push_back(now);
        let failures = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        let pause = policy.backoff.pause(failures, chance);
        self.turn(RunState::Restarting, Decision::RestartAfter(pause))
    }

    /// One more restart than its own is permitted within the window, for the sake of the group: if
    /// that does not help, nothing will.
    fn restart_with_group(&mut self, policy: &Supervision, now: Instant) -> Decision {
        let lately = self.with_group;
        let lately = lately.is_some_and(|then| now.duration_since(then) < policy.within);
        if self.is_exceeded(policy, now) && lately {
            return Decision::Exceeded;
        }
        self.restarts.push_back(now);
        self.with_group = Some(now);
        self.turn(RunState::Starting, Decision::StartAnew)
    }

    /// Whether there were as many restarts within the window as there may be.
    fn is_exceeded(&mut self, policy: &Supervision, now: Instant) -> bool {
        let is_over = |then: &Instant| now.duration_since(*then) >= policy.within;
        while self.restarts.front().is_some_and(is_over) {
            self.restarts.pop_front();
        }
        self.restarts.len() >= policy.max_restarts as usize
    }
}

#[cfg(test)]
mod tests;
