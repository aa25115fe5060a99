use super::support::*;
use crate::core::Strategy;
use crate::lifecycle::state::Outcome;
use crate::monitoring::Ending;

/// Its p99 may be 1.3 times the stable version's.
fn scene(strategy: Strategy) -> Scene {
    let mut scene = Scene::of(strategy);
    scene.policy().max_p99_ratio = Some(1.3);
    scene
}

#[test]
fn a_slow_candidate_fails_at_the_end_of_the_interval() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.candidate, ENOUGH, 48);
    slow_calls(&scene.stable, ENOUGH, 20);
    waiting(scene.look_after(INTERVAL - OFTEN));
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(
        verdict.reason,
        "p99 49.1 ms is 2.4 times the stable version's 20.5 ms, above 1.3"
    );
}

#[test]
fn a_fast_candidate_passes() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.candidate, ENOUGH, 20);
    slow_calls(&scene.stable, ENOUGH, 20);
    let verdict = done(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "error rate 0 % of 100 requests is within 1 %; \
         p99 20.5 ms is 1 times the stable version's 20.5 ms, within 1.3"
    );
    assert_eq!(verdict.stable.requests, 100);
}

#[test]
fn a_held_step_is_compared_when_it_has_enough_requests() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.candidate, ENOUGH - 1, 48);
    slow_calls(&scene.stable, ENOUGH, 20);
    held(scene.look_after(INTERVAL));
    slow_calls(&scene.candidate, 1, 48);
    failed(scene.look_after(OFTEN));
}

#[test]
fn a_stable_version_with_few_requests_is_not_compared_with() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.candidate, ENOUGH, 48);
    slow_calls(&scene.stable, ENOUGH - 1, 20);
    let verdict = done(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "error rate 0 % of 100 requests is within 1 %; \
         p99 is not compared, as the stable version had 99 requests, fewer than 100"
    );
}

#[test]
fn latencies_are_of_the_step_and_not_of_all_time() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.candidate, 10_000, 20);
    slow_calls(&scene.stable, 10_000, 48);
    scene.resume();
    slow_calls(&scene.candidate, ENOUGH, 48);
    slow_calls(&scene.stable, ENOUGH, 20);
    failed(scene.look_after(INTERVAL));
}

#[test]
fn nothing_is_said_of_latencies_that_nobody_asked_for() {
    let mut scene = Scene::canary();
    slow_calls(&scene.candidate, ENOUGH, 4_800);
    slow_calls(&scene.stable, ENOUGH, 20);
    let verdict = done(scene.look_after(INTERVAL));
    let reason = "error rate 0 % of 100 requests is within 1 %";
    assert_eq!(verdict.reason, reason);
}

#[test]
fn a_switch_is_compared_with_the_time_before_it() {
    let mut scene = scene(Strategy::BlueGreen);
    slow_calls(&scene.stable, ENOUGH, 20);
    scene.watch.compare_with(&scene.stable.read());
    scene.resume();
    slow_calls(&scene.candidate, ENOUGH, 48);
    let verdict = failed(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "p99 49.1 ms is 2.4 times the stable version's 20.5 ms before the switch, above 1.3"
    );
    assert_eq!(verdict.stable.requests, 100);
}

#[test]
fn a_switch_without_a_time_before_it_is_not_compared() {
    let mut scene = scene(Strategy::BlueGreen);
    slow_calls(&scene.candidate, ENOUGH, 48);
    let verdict = done(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "error rate 0 % of 100 requests is within 1 %; \
         p99 is not compared, as the stable version had 0 requests, fewer than 100"
    );
}

#[test]
fn errors_before_a_switch_excuse_none_after_it() {
    let mut scene = scene(Strategy::BlueGreen);
    calls(&scene.stable, 0, 1_000, Ending::Error);
    scene.watch.compare_with(&scene.stable.read());
    scene.resume();
    calls(&scene.candidate, 80, 20, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn a_canary_is_compared_over_the_same_window_and_no_other() {
    let mut scene = scene(Strategy::Canary);
    slow_calls(&scene.stable, ENOUGH, 48);
    scene.watch.compare_with(&scene.stable.read());
    scene.resume();
    slow_calls(&scene.candidate, ENOUGH, 48);
    slow_calls(&scene.stable, ENOUGH, 20);
    failed(scene.look_after(INTERVAL));
}
