//! The steps of a rollout: where it goes from where it is, and the traffic that is.

use crate::core::Timestamp;
use crate::lifecycle::state::{Phase, Rollout, Traffic, Verdict};

/// The next step, or the end where the candidate gets all traffic. Leaves the last verdict
/// to the caller. A rollout that is not running stays as it is.
pub fn advance(rollout: &Rollout, now: Timestamp) -> Rollout {
    if rollout.phase != Phase::Running {
        return rollout.clone();
    }
    let (percentages, percent) = (rollout.percentages(), rollout.percent());
    let mut later = percentages
        .iter()
        .enumerate()
        .skip(rollout.step.saturating_add(1));
    // Whatever the steps are, the candidate's share never falls.
    let (step, phase) = match later.find(|(_, later)| **later > percent) {
        Some((step, 0..100)) => (step, Phase::Running),
        _ => (percentages.len() - 1, Phase::Promoted),
    };
    Rollout {
        step,
        phase,
        changed: now,
        reason: None,
        ..rollout.clone()
    }
}

/// Back to the traffic of before, because of a verdict; also from a pause. A rollout that
/// has ended stays as it is.
pub fn fail(rollout: &Rollout, verdict: Verdict, now: Timestamp) -> Rollout {
    if !rollout.phase.is_active() {
        return rollout.clone();
    }
    Rollout {
        phase: Phase::RolledBack,
        changed: now,
        ..hold(rollout, verdict)
    }
}

/// Stays where it is, because of a verdict. A rollout that has ended keeps the one it
/// ended with.
pub fn hold(rollout: &Rollout, verdict: Verdict) -> Rollout {
    if !rollout.phase.is_active() {
        return rollout.clone();
    }
    Rollout {
        reason: Some(verdict.reason.clone()),
        verdict: Some(verdict),
        ..rollout.clone()
    }
}

/// The traffic that a rollout stands for.
pub fn traffic_of(rollout: &Rollout) -> Traffic {
    let Rollout {
        candidate, from, ..
    } = rollout;
    let percent = match rollout.phase {
        Phase::Running | Phase::Paused => rollout.percent(),
        Phase::Promoted => 100,
        Phase::RolledBack | Phase::Aborted | Phase::Superseded => return from.clone(),
    };
    let had = u64::from(from.weight(candidate)) * 100;
    // A candidate that had traffic before does not begin by losing it.
    if had > 0 && had >= from.sum().saturating_mul(percent.into()) {
        return from.clone();
    }
    from.shifted(candidate, percent)
}
