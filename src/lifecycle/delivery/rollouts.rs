//! How a rollout begins, and how it ends where there is nothing to begin with.

use super::Deploy;
use super::steer::promote;
use crate::core::{RolloutPolicy, Strategy, Timestamp};
use crate::lifecycle::rollout::traffic_of;
use crate::lifecycle::state::{ComponentState, Numbers, Outcome, Phase, Rollout, Verdict};

/// The component with a rollout that has begun; one that is immediate has ended, too.
pub(super) fn begun(
    mut state: ComponentState,
    deploy: &Deploy,
    policy: RolloutPolicy,
    id: u64,
    now: Timestamp,
) -> ComponentState {
    let is_immediate = policy.strategy == Strategy::Immediate;
    let rollout = Rollout {
        id,
        candidate: deploy.version.clone(),
        from: state.traffic.clone(),
        policy,
        step: 0,
        phase: if is_immediate {
            Phase::Promoted
        } else {
            Phase::Running
        },
        by: deploy.change.by.clone(),
        started: now,
        changed: now,
        reason: None,
        verdict: None,
    };
    state.traffic = traffic_of(&rollout);
    state.rollout = Some(rollout);
    if is_immediate {
        promote(&mut state);
    }
    state
}

/// Of a candidate that could not be loaded after a restart.
pub(super) fn absent() -> Verdict {
    Verdict {
        outcome: Outcome::Fail,
        reason: "the candidate cannot be loaded; see the log".into(),
        window_ms: 0,
        candidate: Numbers::default(),
        stable: Numbers::default(),
    }
}
