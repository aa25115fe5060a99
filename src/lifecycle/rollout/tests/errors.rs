use std::time::Duration;

use super::support::*;
use crate::core::Strategy;
use crate::lifecycle::state::{Outcome, Phase};
use crate::monitoring::{Ending, Tally};

#[test]
fn a_failing_candidate_is_found_as_soon_as_it_has_enough_requests() {
    for strategy in [Strategy::Canary, Strategy::BlueGreen] {
        let mut scene = Scene::of(strategy);
        calls(&scene.candidate, 79, 20, Ending::Error);
        let window = waiting(scene.look_after(OFTEN));
        assert_eq!(
            (window.candidate.requests, window.candidate.errors),
            (99, 20)
        );
        calls(&scene.candidate, 313, 0, Ending::Good);
        calls(&scene.candidate, 0, 63, Ending::Timeout);
        let verdict = failed(scene.look_after(OFTEN));
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(
            verdict.reason,
            "error rate 17.5 % of 475 requests is above 1 %"
        );
        assert_eq!(verdict.candidate.timeouts, 63);
        assert_eq!(verdict.window_ms, 500);
    }
}

#[test]
fn a_rate_just_above_its_bound_reads_so() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 98_999, 1_001, Ending::Error);
    let verdict = failed(scene.look_after(OFTEN));
    let reason = "error rate 1.001 % of 100000 requests is above 1 %";
    assert_eq!(verdict.reason, reason);
}

#[test]
fn the_bound_itself_is_allowed() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 99, 1, Ending::Error);
    let verdict = done(scene.look_after(INTERVAL));
    assert_eq!(verdict.outcome, Outcome::Pass);
    assert_eq!(
        verdict.reason,
        "error rate 1 % of 100 requests is within 1 %"
    );
}

#[test]
fn a_failing_candidate_is_found_during_a_pause() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    calls(&scene.candidate, 80, 20, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn each_step_is_counted_by_itself() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 10_000, 100, Ending::Error);
    done(scene.look_after(INTERVAL));
    scene.rollout.step += 1;
    assert_eq!(waiting(scene.look_after(OFTEN)).candidate.requests, 0);
    // 1.1 % of all, but a tenth of the step's.
    calls(&scene.candidate, 90, 10, Ending::Error);
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(
        verdict.reason,
        "error rate 10 % of 100 requests is above 1 %"
    );
}

#[test]
fn a_step_is_said_to_be_done_until_it_is_taken() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL - OFTEN));
    done(scene.look_after(OFTEN));
    done(scene.look_after(OFTEN));
    scene.rollout.step += 1;
    waiting(scene.look_after(OFTEN));
}

#[test]
fn a_stable_version_that_fails_as_often_leaves_nothing_to_say() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 80, 20, Ending::Error);
    calls(&scene.stable, 1_500, 500, Ending::Error);
    waiting(scene.look_after(OFTEN));
    let verdict = held(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "error rate 20 % of 100 requests is above 1 %, \
         but the stable version fails as often: 25 % of 2000"
    );
    assert_eq!(verdict.stable.errors, 500);
}

#[test]
fn trouble_that_both_had_is_forgotten_with_its_interval() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 50, 50, Ending::Error);
    calls(&scene.stable, 500, 500, Ending::Error);
    assert_eq!(scene.watch_for(INTERVAL).len(), 1);
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, 100, 0, Ending::Good);
    calls(&scene.stable, 10_000, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL - OFTEN));
    done(scene.look_after(OFTEN));
}

#[test]
fn a_stable_version_that_fails_less_excuses_nothing() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 80, 20, Ending::Error);
    calls(&scene.stable, 1_700, 300, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn a_stable_version_with_few_requests_excuses_nothing() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 80, 20, Ending::Error);
    calls(&scene.stable, 0, ENOUGH - 1, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn the_stable_versions_earlier_errors_excuse_nothing() {
    let mut scene = Scene::canary();
    calls(&scene.stable, 0, 10_000, Ending::Error);
    scene.resume();
    calls(&scene.candidate, 80, 20, Ending::Error);
    calls(&scene.stable, 10_000, 0, Ending::Good);
    failed(scene.look_after(OFTEN));
}

#[test]
fn counters_that_begin_again_begin_another_interval() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL / 2));
    // The version was loaded again, and nothing of it is known any more.
    scene.candidate = Tally::default();
    calls(&scene.candidate, 50, 0, Ending::Good);
    assert_eq!(waiting(scene.look_after(OFTEN)).candidate.requests, 0);
    calls(&scene.candidate, 100, 10, Ending::Error);
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(verdict.candidate.requests, 110);
    assert_eq!(verdict.window_ms, 250);
}

#[test]
fn a_rollout_that_has_ended_is_not_judged() {
    for phase in [Phase::Promoted, Phase::Aborted, Phase::Superseded] {
        let mut scene = Scene::canary();
        scene.rollout.phase = phase;
        calls(&scene.candidate, 0, 1_000, Ending::Trap);
        waiting(scene.look_after(INTERVAL + Duration::from_secs(1)));
    }
}
