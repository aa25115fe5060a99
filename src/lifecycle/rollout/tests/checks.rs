use super::support::*;
use crate::core::Strategy;
use crate::lifecycle::rollout::Look;
use crate::lifecycle::state::{Outcome, Phase};
use crate::monitoring::Ending;

fn checked(strategy: Strategy) -> Scene {
    let mut scene = Scene::of(strategy);
    scene.policy().check = Some(check());
    scene
}

/// At the end of its interval, with nothing but the check between it and the next step.
fn at_its_check() -> Scene {
    let mut scene = checked(Strategy::Canary);
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL - OFTEN));
    assert_eq!(scene.look_after(OFTEN), Look::CheckWanted);
    scene
}

#[test]
fn a_step_waits_for_its_check_and_asks_once() {
    let mut scene = at_its_check();
    assert_eq!(scene.watch_for(INTERVAL), []);
    scene.watch.checked(Ok(()));
    assert_eq!(done(scene.look_after(OFTEN)).outcome, Outcome::Pass);
}

#[test]
fn a_failed_check_fails_the_rollout_with_its_reason() {
    let mut scene = at_its_check();
    scene.watch.checked(Err("it answered with 503".into()));
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(verdict.reason, "the check failed: it answered with 503");
    assert_eq!(verdict.candidate.requests, ENOUGH);
}

#[test]
fn a_check_that_says_too_much_is_cut_short() {
    let mut scene = at_its_check();
    scene.watch.checked(Err("ä".repeat(1 << 20)));
    assert!(failed(scene.look()).reason.chars().count() < 400);
}

#[test]
fn a_candidate_that_fails_during_its_check_fails() {
    let mut scene = at_its_check();
    calls(&scene.candidate, 0, 10, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn every_step_has_a_check_of_its_own() {
    let mut scene = at_its_check();
    scene.watch.checked(Ok(()));
    done(scene.look_after(OFTEN));
    scene.rollout.step += 1;
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    assert_eq!(scene.look_after(INTERVAL), Look::CheckWanted);
}

#[test]
fn a_check_from_before_a_pause_is_made_again() {
    let mut scene = at_its_check();
    scene.rollout.phase = Phase::Paused;
    waiting(scene.look_after(OFTEN));
    scene.resume();
    scene.watch.checked(Ok(()));
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    assert_eq!(scene.look_after(INTERVAL), Look::CheckWanted);
}

#[test]
fn an_answer_to_no_check_is_nothing() {
    let mut scene = checked(Strategy::Canary);
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    scene.watch.checked(Err("too early".into()));
    assert_eq!(scene.look_after(INTERVAL), Look::CheckWanted);
}

#[test]
fn a_switch_is_checked_too_and_a_rolling_rollout_is_not() {
    let mut scene = checked(Strategy::BlueGreen);
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    assert_eq!(scene.look_after(INTERVAL), Look::CheckWanted);
    done(checked(Strategy::Rolling).look_after(INTERVAL));
}
