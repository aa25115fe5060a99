use std::time::Duration;

use super::support::*;
use crate::core::OnInconclusive;
use crate::lifecycle::rollout::Look;
use crate::lifecycle::state::Outcome;
use crate::monitoring::Ending;

#[test]
fn few_requests_are_held_and_reported_once_an_interval() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 50, 49, Ending::Error);
    assert_eq!(scene.watch_for(INTERVAL - OFTEN), []);
    let verdict = held(scene.look_after(OFTEN));
    assert_eq!(
        verdict.reason,
        "99 requests in 60 s say nothing, fewer than 100"
    );
    assert_eq!(scene.watch_for(INTERVAL - OFTEN), []);
    let verdict = held(scene.look_after(OFTEN));
    assert_eq!(
        (verdict.window_ms, verdict.candidate.requests),
        (120_000, 99)
    );
}

#[test]
fn a_held_step_ends_well_as_soon_as_there_are_enough_requests() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, ENOUGH - 1, 0, Ending::Good);
    held(scene.look_after(INTERVAL));
    waiting(scene.look_after(OFTEN));
    calls(&scene.candidate, 1, 0, Ending::Good);
    let verdict = done(scene.look_after(OFTEN));
    assert_eq!(
        (verdict.candidate.requests, verdict.window_ms),
        (100, 60_500)
    );
}

#[test]
fn a_held_step_fails_as_soon_as_there_are_enough_requests() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 50, 49, Ending::Error);
    held(scene.look_after(INTERVAL));
    calls(&scene.candidate, 1, 0, Ending::Good);
    failed(scene.look_after(OFTEN));
}

#[test]
fn few_requests_roll_back_where_the_policy_says_so() {
    let mut scene = Scene::canary();
    scene.policy().on_inconclusive = OnInconclusive::Rollback;
    assert_eq!(scene.watch_for(INTERVAL - OFTEN), []);
    let verdict = failed(scene.look_after(OFTEN));
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(
        verdict.reason,
        "0 requests in 60 s say nothing, fewer than 100; the policy is to roll back then"
    );
}

#[test]
fn failing_as_the_stable_version_does_rolls_back_where_the_policy_says_so() {
    let mut scene = Scene::canary();
    scene.policy().on_inconclusive = OnInconclusive::Rollback;
    for tally in [&scene.candidate, &scene.stable] {
        calls(tally, 80, 20, Ending::Error);
    }
    waiting(scene.look_after(OFTEN));
    assert_eq!(
        failed(scene.look_after(INTERVAL)).outcome,
        Outcome::Inconclusive
    );
}

#[test]
fn the_shortest_interval_is_reported_no_more_than_once_a_second() {
    let mut scene = Scene::canary();
    scene.policy().interval = Duration::ZERO;
    let looks = scene.watch_for(Duration::from_secs(10));
    assert_eq!(looks.len(), 10);
    assert!(looks.iter().all(|look| matches!(look, Look::Held(_))));
}

#[test]
fn the_longest_interval_never_ends() {
    let mut scene = Scene::canary();
    scene.policy().interval = Duration::MAX;
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    waiting(scene.look_after(Duration::from_secs(1 << 32)));
}

#[test]
fn no_requests_are_enough_where_none_are_asked_for() {
    let mut scene = Scene::canary();
    scene.policy().min_requests = 0;
    scene.policy().max_p99_ratio = Some(1.0);
    let verdict = done(scene.look_after(INTERVAL));
    assert_eq!(
        verdict.reason,
        "error rate 0 % of 0 requests is within 1 %; \
         p99 is not compared, as one of both had no requests"
    );
}
