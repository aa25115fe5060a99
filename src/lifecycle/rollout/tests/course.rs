use super::support::{later, rollout};
use crate::core::Strategy;
use crate::lifecycle::rollout::{advance, fail, hold, traffic_of};
use crate::lifecycle::state::{Outcome, Phase, Rollout, Traffic, Verdict};

fn verdict() -> Verdict {
    Verdict {
        outcome: Outcome::Fail,
        reason: "it was no good".into(),
        window_ms: 1_000,
        candidate: Default::default(),
        stable: Default::default(),
    }
}

fn traffic(shares: &[(&str, u32)]) -> Traffic {
    let share = |(name, weight): &(&str, u32)| (name.parse().unwrap(), *weight);
    Traffic::new(shares.iter().map(share))
}

/// The candidate's part of 100 at each step, up to the end.
fn path(mut rollout: Rollout) -> Vec<u64> {
    let mut path = Vec::new();
    loop {
        let traffic = traffic_of(&rollout);
        let weight = u64::from(traffic.weight(&rollout.candidate));
        path.push(weight * 100 / traffic.sum());
        if !rollout.phase.is_active() {
            return path;
        }
        rollout = advance(&rollout, later());
    }
}

#[test]
fn a_canary_takes_its_steps_and_then_everything() {
    assert_eq!(path(rollout(Strategy::Canary)), [5, 25, 50, 100]);
    assert_eq!(path(rollout(Strategy::Rolling)), [20, 40, 60, 80, 100]);
}

#[test]
fn a_switch_is_watched_for_one_interval() {
    let first = rollout(Strategy::BlueGreen);
    assert_eq!(traffic_of(&first), traffic(&[("new", 1)]));
    let second = advance(&first, later());
    assert_eq!(second.phase, Phase::Promoted);
    assert_eq!(traffic_of(&second), traffic(&[("new", 1)]));
}

#[test]
fn an_advance_says_when_it_was_and_forgets_why_it_stood() {
    let held = hold(&rollout(Strategy::Canary), verdict());
    assert_eq!(held.reason.as_deref(), Some("it was no good"));
    let next = advance(&held, later());
    assert_eq!((next.step, next.phase), (1, Phase::Running));
    assert_eq!((next.changed, next.reason), (later(), None));
    assert_eq!(next.started, held.started);
}

#[test]
fn a_failure_brings_back_the_traffic_of_before() {
    for phase in [Phase::Running, Phase::Paused] {
        let from = traffic(&[("old", 3), ("older", 1)]);
        let rollout = Rollout {
            from: from.clone(),
            step: 2,
            phase,
            ..rollout(Strategy::Canary)
        };
        let mixed = traffic(&[("old", 3), ("older", 1), ("new", 4)]);
        assert_eq!(traffic_of(&rollout), mixed);
        let failed = fail(&rollout, verdict(), later());
        assert_eq!(traffic_of(&failed), from);
        assert_eq!((failed.phase, failed.changed), (Phase::RolledBack, later()));
        assert_eq!(failed.reason.as_deref(), Some("it was no good"));
        assert_eq!(failed.verdict, Some(verdict()));
    }
}

#[test]
fn what_has_ended_stays_as_it_is() {
    for phase in [
        Phase::Promoted,
        Phase::RolledBack,
        Phase::Aborted,
        Phase::Superseded,
    ] {
        let ended = Rollout {
            phase,
            ..rollout(Strategy::Canary)
        };
        assert_eq!(advance(&ended, later()), ended);
        assert_eq!(fail(&ended, verdict(), later()), ended);
        assert_eq!(hold(&ended, verdict()), ended);
        let all = traffic(&[("new", 1)]);
        let expected = if phase == Phase::Promoted {
            all
        } else {
            ended.from.clone()
        };
        assert_eq!(traffic_of(&ended), expected);
    }
}

#[test]
fn a_pause_keeps_its_traffic_and_its_step() {
    let paused = Rollout {
        phase: Phase::Paused,
        ..rollout(Strategy::Canary)
    };
    assert_eq!(traffic_of(&paused), traffic(&[("old", 19), ("new", 1)]));
    assert_eq!(advance(&paused, later()), paused);
}

#[test]
fn a_candidate_with_traffic_does_not_begin_by_losing_it() {
    let rollout = Rollout {
        from: traffic(&[("old", 7), ("new", 3)]),
        ..rollout(Strategy::Canary)
    };
    assert_eq!(traffic_of(&rollout), rollout.from);
    assert_eq!(path(rollout), [30, 30, 50, 100]);
}

#[test]
fn steps_out_of_order_lead_up_all_the_same() {
    let mut rollout = rollout(Strategy::Canary);
    rollout.policy.steps = vec![30, 10, 50, 50, 100, 20];
    assert_eq!(path(rollout.clone()), [30, 50, 100]);
    rollout.step = usize::MAX;
    assert_eq!(advance(&rollout, later()).phase, Phase::Promoted);
}

#[test]
fn a_component_without_traffic_gives_all_to_its_first_candidate() {
    let rollout = Rollout {
        from: Traffic::default(),
        ..rollout(Strategy::Canary)
    };
    assert_eq!(traffic_of(&rollout), traffic(&[("new", 1)]));
}
