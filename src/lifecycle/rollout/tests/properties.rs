//! What holds whatever the requests, the policy and the moments of looking are.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::Strategy as Generated;

use super::support::*;
use crate::core::{OnInconclusive, Strategy, VersionName};
use crate::lifecycle::rollout::{Look, advance, fail, traffic_of};
use crate::lifecycle::state::{Outcome, Phase, Rollout, Traffic};
use crate::monitoring::Ending;

/// What happens between two looks.
#[derive(Debug, Clone)]
enum Event {
    Candidate(u64, Ending),
    Stable(u64, Ending),
    Time(u64),
    Pause,
    Resume,
    Checked(bool),
}

fn event() -> impl Generated<Value = Event> {
    let calls = || {
        let bad = prop_oneof![
            Just(Ending::Error),
            Just(Ending::Timeout),
            Just(Ending::Trap)
        ];
        prop_oneof![
            6 => (0_u64..60).prop_map(|calls| (calls, Ending::Good)),
            1 => (0_u64..5, bad),
        ]
    };
    prop_oneof![
        3 => calls().prop_map(|(calls, ending)| Event::Candidate(calls, ending)),
        2 => calls().prop_map(|(calls, ending)| Event::Stable(calls, ending)),
        3 => (0_u64..40_000).prop_map(Event::Time),
        1 => Just(Event::Pause),
        2 => Just(Event::Resume),
        2 => prop::bool::weighted(0.8).prop_map(Event::Checked),
    ]
}

fn analysed() -> impl Generated<Value = Rollout> {
    let strategy = prop_oneof![Just(Strategy::Canary), Just(Strategy::BlueGreen)];
    let choices = (any::<bool>(), any::<bool>(), any::<bool>());
    (strategy, choices).prop_map(|(strategy, (rolls_back, compares, checks))| {
        let mut rollout = rollout(strategy);
        if rolls_back {
            rollout.policy.on_inconclusive = OnInconclusive::Rollback;
        }
        rollout.policy.max_p99_ratio = compares.then_some(1.3);
        rollout.policy.check = checks.then(check);
        rollout
    })
}

fn happen(scene: &mut Scene, event: &Event) {
    let running = matches!(scene.rollout.phase, Phase::Running);
    match *event {
        Event::Candidate(count, ending) => calls(&scene.candidate, 0, count, ending),
        Event::Stable(count, ending) => calls(&scene.stable, 0, count, ending),
        Event::Time(millis) => scene.now += Duration::from_millis(millis),
        Event::Pause if running => scene.rollout.phase = Phase::Paused,
        Event::Resume if !running => scene.resume(),
        Event::Checked(true) => scene.watch.checked(Ok(())),
        Event::Checked(false) => scene.watch.checked(Err("no".into())),
        Event::Pause | Event::Resume => {}
    }
}

fn candidates_share(rollout: &Rollout) -> f64 {
    let traffic = traffic_of(rollout);
    f64::from(traffic.weight(&rollout.candidate)) / traffic.sum() as f64
}

proptest! {
    #[test]
    fn nothing_is_decided_on_too_few_requests(
        rollout in analysed(),
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut scene = Scene::with(rollout);
        for event in &events {
            happen(&mut scene, event);
            match scene.look() {
                Look::StepDone(verdict) => {
                    prop_assert_eq!(verdict.outcome, Outcome::Pass);
                    prop_assert!(verdict.candidate.requests >= ENOUGH);
                    prop_assert!(verdict.candidate.error_rate() <= 0.01);
                    prop_assert!(verdict.window_ms >= 60_000);
                    prop_assert_eq!(scene.rollout.phase, Phase::Running);
                    scene.rollout = advance(&scene.rollout, later());
                }
                Look::Failed(verdict) => {
                    let for_rate = verdict.reason.starts_with("error rate");
                    let for_latency = verdict.reason.starts_with("p99");
                    if for_rate || for_latency {
                        prop_assert!(verdict.candidate.requests >= ENOUGH);
                    }
                    if for_rate {
                        prop_assert!(verdict.candidate.error_rate() > 0.01);
                    }
                    break;
                }
                Look::Held(verdict) => {
                    prop_assert_eq!(verdict.outcome, Outcome::Inconclusive);
                    prop_assert_eq!(scene.rollout.policy.on_inconclusive, OnInconclusive::Hold);
                    prop_assert_eq!(scene.rollout.phase, Phase::Running);
                }
                Look::CheckWanted => prop_assert!(scene.rollout.policy.check.is_some()),
                Look::Wait(_) => {}
            }
        }
    }

    #[test]
    fn a_candidate_never_loses_traffic_but_to_go_back(
        steps in prop::collection::vec(1_u8..=99, 0..6),
        weights in prop::collection::vec(1_u32..1_000, 1..4),
        had in 0_u32..1_000,
        advances in 0_usize..8,
    ) {
        let mut rollout = rollout(Strategy::Canary);
        rollout.policy.steps = steps;
        let old = |place: usize| -> VersionName { format!("old{place}").parse().unwrap() };
        let others = weights.iter().enumerate().map(|(place, weight)| (old(place), *weight));
        rollout.from = Traffic::new(others.chain([(rollout.candidate.clone(), had)]));
        let mut share = candidates_share(&Rollout { phase: Phase::Aborted, ..rollout.clone() });
        for _ in 0..advances {
            prop_assert!(candidates_share(&rollout) >= share - 1e-9);
            share = candidates_share(&rollout);
            rollout = advance(&rollout, later());
        }
        prop_assert!(candidates_share(&rollout) >= share - 1e-9);
        prop_assert!(rollout.phase != Phase::Promoted || candidates_share(&rollout) == 1.0);
        if rollout.phase.is_active() {
            let mut scene = Scene::canary();
            calls(&scene.candidate, 0, 5, Ending::Trap);
            let verdict = failed(scene.look());
            let failed = fail(&rollout, verdict, later());
            prop_assert_eq!(traffic_of(&failed), rollout.from);
        }
    }
}
