//! How a rollout ended.

use super::describe::phase;
use super::lines::numbers;
use crate::cli::exit;
use crate::cli::terminal::plain;
use crate::core::VersionName;
use crate::lifecycle::Phase;
use crate::lifecycle::{DeliveryStatus, RolloutStatus};

/// What has become of one rollout.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) enum Outcome {
    Going,
    Ended(Box<RolloutStatus>),
    /// Another one stands in its place: the journal knows.
    Replaced,
}

impl Outcome {
    pub fn of(id: u64, status: &DeliveryStatus) -> Self {
        match &status.rollout {
            Some(rollout) if rollout.id != id => Self::Replaced,
            Some(rollout) if rollout.phase.is_active() => Self::Going,
            Some(rollout) => Self::Ended(Box::new(rollout.clone())),
            None => Self::Replaced,
        }
    }
}

/// The end of a rollout, as the exit code and the last lines tell it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct End {
    pub phase: Phase,
    pub candidate: VersionName,
    pub reason: Option<String>,
    /// The numbers of the candidate and of the stable versions.
    numbers: Option<(String, String)>,
}

impl From<&RolloutStatus> for End {
    fn from(rollout: &RolloutStatus) -> Self {
        let verdict = rollout.verdict.as_ref();
        let reason = rollout.reason.as_ref();
        Self {
            phase: rollout.phase,
            candidate: rollout.candidate.clone(),
            reason: reason.or(verdict.map(|it| &it.reason)).cloned(),
            numbers: verdict.map(|it| (numbers(&it.candidate), numbers(&it.stable))),
        }
    }
}

impl End {
    /// Nobody can say more than that it is not there any more.
    pub fn superseded(candidate: VersionName, reason: &str) -> Self {
        Self {
            phase: Phase::Superseded,
            candidate,
            reason: Some(reason.into()),
            numbers: None,
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self.phase {
            Phase::Promoted => exit::DONE,
            // Only what has ended is asked for its end.
            Phase::Running | Phase::Paused => exit::FAILED,
            Phase::RolledBack | Phase::Aborted | Phase::Superseded => exit::ROLLED_BACK,
        }
    }

    /// What happened and why, in lines.
    pub fn told(&self) -> String {
        let mut text = format!("{} was {}", self.candidate, phase(self.phase));
        if self.phase == Phase::Promoted {
            return text;
        }
        if let Some(reason) = &self.reason {
            text += &format!(": {}", plain(reason));
        }
        if let Some((candidate, stable)) = &self.numbers {
            text += &format!("\ncandidate: {candidate}\nstable:    {stable}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;

    #[test]
    fn a_rollout_goes_on_ends_or_is_replaced() {
        assert_eq!(Outcome::of(7, &samples::running(0)), Outcome::Going);
        assert_eq!(Outcome::of(6, &samples::running(0)), Outcome::Replaced);
        let ended = samples::ended(Phase::Promoted);
        let Outcome::Ended(rollout) = Outcome::of(7, &ended) else {
            panic!("it has ended");
        };
        assert_eq!(Some(*rollout), ended.rollout);
    }

    fn end(phase: Phase) -> End {
        End::from(samples::ended(phase).rollout.as_ref().unwrap())
    }

    #[test]
    fn only_a_promotion_ends_with_0() {
        for (phase, code) in [
            (Phase::Promoted, 0),
            (Phase::RolledBack, 5),
            (Phase::Aborted, 5),
            (Phase::Superseded, 5),
        ] {
            assert_eq!(end(phase).exit_code(), code, "{phase:?}");
        }
    }

    #[test]
    fn a_rollback_is_told_with_its_reason_and_numbers() {
        assert_eq!(
            end(Phase::RolledBack).told(),
            "1.5.0 was rolled back: error rate 20.00% is above 1.00%\n\
             candidate: 250 requests, 50 errors (20.00%): 50 traps, p99 12.1 ms\n\
             stable:    5000 requests, 2 errors (0.04%)"
        );
        assert_eq!(end(Phase::Promoted).told(), "1.5.0 was promoted");
    }
}
