use std::time::Duration;

use super::support::*;
use crate::core::Strategy;
use crate::lifecycle::rollout::Watch;
use crate::lifecycle::state::{Outcome, Phase};
use crate::monitoring::Ending;

#[test]
fn five_traps_end_a_rollout_long_before_it_has_enough_requests() {
    for strategy in [Strategy::Canary, Strategy::BlueGreen] {
        let mut scene = Scene::of(strategy);
        calls(&scene.candidate, 5, 4, Ending::Trap);
        waiting(scene.look_after(OFTEN));
        calls(&scene.candidate, 0, 1, Ending::Trap);
        let verdict = failed(scene.look_after(OFTEN));
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reason, "5 traps in 5 s, 50 % of its requests");
        assert_eq!(
            (verdict.candidate.requests, verdict.candidate.traps),
            (10, 5)
        );
        assert_eq!(verdict.window_ms, 500);
    }
}

#[test]
fn a_burst_is_a_fifth_of_the_requests() {
    let mut scene = Scene::canary();
    scene.policy().max_error_rate = 1.0;
    calls(&scene.candidate, 161, 40, Ending::Trap);
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, 0, 1, Ending::Trap);
    failed(scene.look_after(OFTEN));
}

#[test]
fn errors_that_are_no_traps_are_no_burst() {
    for ending in [Ending::Error, Ending::Timeout, Ending::Memory] {
        let mut scene = Scene::canary();
        calls(&scene.candidate, 0, 20, ending);
        waiting(scene.look_after(OFTEN));
    }
}

#[test]
fn traps_far_apart_are_no_burst() {
    let mut scene = Scene::canary();
    for _ in 0..20 {
        calls(&scene.candidate, 0, 1, Ending::Trap);
        assert_eq!(scene.watch_for(Duration::from_millis(1_250)), []);
    }
}

#[test]
fn the_five_seconds_of_a_burst_begin_at_any_moment() {
    for begin in (0..10_000).step_by(250) {
        let mut scene = Scene::canary();
        scene.watch_for(Duration::from_millis(begin));
        calls(&scene.candidate, 0, 3, Ending::Trap);
        assert_eq!(scene.watch_for(Duration::from_millis(4_500)), []);
        calls(&scene.candidate, 0, 2, Ending::Trap);
        failed(scene.look_after(OFTEN));
    }
}

#[test]
fn traps_of_good_times_do_not_hide_behind_earlier_requests() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 100_000, 0, Ending::Good);
    assert_eq!(scene.watch_for(Duration::from_secs(6)), []);
    calls(&scene.candidate, 10, 5, Ending::Trap);
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(verdict.reason, "5 traps in 5 s, 33.3 % of its requests");
}

#[test]
fn a_burst_ends_a_rollout_that_is_paused() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, 0, 5, Ending::Trap);
    failed(scene.look_after(OFTEN));
}

#[test]
fn a_burst_over_the_end_of_a_step_is_one() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    scene.watch_for(INTERVAL - OFTEN);
    calls(&scene.candidate, 0, 3, Ending::Trap);
    done(scene.look_after(OFTEN));
    scene.rollout.step += 1;
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, 2, 2, Ending::Trap);
    failed(scene.look_after(OFTEN));
}

#[test]
fn what_the_candidate_did_before_its_rollout_is_no_burst() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 0, 50, Ending::Trap);
    scene.resume();
    let (candidate, stable) = (scene.candidate.read(), scene.stable.read());
    scene.watch = Watch::begin(scene.now, candidate, stable);
    waiting(scene.look_after(OFTEN));
}

#[test]
fn looking_all_the_time_hides_no_burst() {
    let mut scene = Scene::canary();
    for _ in 0..20_000 {
        waiting(scene.look_after(Duration::from_millis(1)));
    }
    calls(&scene.candidate, 0, 5, Ending::Trap);
    failed(scene.look_after(Duration::from_millis(1)));
}

#[test]
fn a_failure_is_said_until_it_is_obeyed() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 0, 5, Ending::Trap);
    let first = failed(scene.look_after(OFTEN));
    assert_eq!(failed(scene.look_after(INTERVAL)), first);
    scene.rollout.phase = Phase::RolledBack;
    waiting(scene.look_after(OFTEN));
}
