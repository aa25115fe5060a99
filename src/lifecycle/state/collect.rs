//! Which versions of a component may be forgotten.

use super::ComponentState;
use crate::core::VersionName;

/// The versions that are neither needed nor among the newest `keep` of those that are not
/// needed, the oldest first. The newest is the last in `versions`.
pub fn collectable(state: &ComponentState, keep: usize) -> Vec<VersionName> {
    let names = state.versions.iter().map(|version| &version.name);
    let idle: Vec<_> = names.filter(|name| !state.needs(name)).collect();
    let surplus = idle.len().saturating_sub(keep);
    idle.into_iter().take(surplus).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Digest, RolloutPolicy, Timestamp};
    use crate::lifecycle::state::{KeptVersion, Phase, Rollout, Traffic, VersionOrigin};

    fn name(text: &str) -> VersionName {
        text.parse().unwrap()
    }

    fn state(names: &[&str], serving: &str) -> ComponentState {
        let version = |text: &&str| KeptVersion {
            name: name(text),
            digest: Digest::new([0; 32]),
            bytes: 1,
            origin: VersionOrigin::Deployed,
            added: Timestamp::from_millis(0),
            source: None,
        };
        ComponentState {
            versions: names.iter().map(version).collect(),
            traffic: Traffic::only(name(serving)),
            ..Default::default()
        }
    }

    fn rollout(candidate: &str, from: &str, phase: Phase) -> Rollout {
        Rollout {
            id: 1,
            candidate: name(candidate),
            from: Traffic::only(name(from)),
            policy: RolloutPolicy::default(),
            step: 0,
            phase,
            by: "somebody".into(),
            started: Timestamp::from_millis(0),
            changed: Timestamp::from_millis(0),
            reason: None,
            verdict: None,
        }
    }

    fn texts(names: &[VersionName]) -> Vec<&str> {
        names.iter().map(VersionName::as_str).collect()
    }

    #[test]
    fn the_oldest_go_and_the_newest_stay() {
        let state = state(&["a", "b", "c", "d", "e"], "e");
        assert_eq!(texts(&collectable(&state, 2)), ["a", "b"]);
        assert_eq!(texts(&collectable(&state, 0)), ["a", "b", "c", "d"]);
        assert!(collectable(&state, 4).is_empty());
        assert!(collectable(&state, usize::MAX).is_empty());
    }

    #[test]
    fn what_serves_or_served_before_stays_however_old_it_is() {
        let mut state = state(&["a", "b", "c", "d", "newest"], "a");
        state.previous = Some(Traffic::new([(name("b"), 1), (name("c"), 9)]));
        assert_eq!(texts(&collectable(&state, 0)), ["d"]);
    }

    #[test]
    fn both_sides_of_a_rollout_under_way_stay_and_of_one_that_ended_nothing_does() {
        let mut state = state(&["a", "b", "c"], "c");
        for phase in [Phase::Running, Phase::Paused] {
            state.rollout = Some(rollout("b", "a", phase));
            assert!(collectable(&state, 0).is_empty(), "{phase:?}");
        }
        state.rollout = Some(rollout("b", "a", Phase::Aborted));
        assert_eq!(texts(&collectable(&state, 0)), ["a", "b"]);
    }
}
