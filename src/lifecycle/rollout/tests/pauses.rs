use super::support::*;
use crate::lifecycle::state::Phase;
use crate::monitoring::Ending;

#[test]
fn time_stands_still_in_a_pause() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    assert_eq!(scene.watch_for(INTERVAL * 3), []);
}

#[test]
fn a_pause_without_requests_is_not_reported() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    assert_eq!(scene.watch_for(INTERVAL * 3), []);
}

#[test]
fn a_new_interval_begins_after_a_pause() {
    let mut scene = Scene::canary();
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL / 2));
    scene.rollout.phase = Phase::Paused;
    waiting(scene.look_after(INTERVAL));
    scene.resume();
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL - OFTEN));
    let verdict = done(scene.look_after(OFTEN));
    assert_eq!(
        (verdict.window_ms, verdict.candidate.requests),
        (60_000, 100)
    );
}

#[test]
fn a_look_notices_the_end_of_a_pause_by_itself() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    calls(&scene.candidate, 1_000, 0, Ending::Good);
    waiting(scene.look_after(INTERVAL * 2));
    scene.rollout.phase = Phase::Running;
    assert_eq!(waiting(scene.look_after(OFTEN)).candidate.requests, 0);
    calls(&scene.candidate, ENOUGH, 0, Ending::Good);
    done(scene.look_after(INTERVAL));
}

#[test]
fn good_requests_of_a_long_pause_do_not_hide_bad_ones() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    calls(&scene.candidate, 1_000_000, 0, Ending::Good);
    assert_eq!(scene.watch_for(INTERVAL * 2), []);
    calls(&scene.candidate, 90, 10, Ending::Error);
    failed(scene.look_after(OFTEN));
}

#[test]
fn few_requests_of_a_pause_add_up() {
    let mut scene = Scene::canary();
    scene.rollout.phase = Phase::Paused;
    calls(&scene.candidate, 50, 49, Ending::Error);
    assert_eq!(scene.watch_for(INTERVAL * 2), []);
    calls(&scene.candidate, 1, 0, Ending::Good);
    failed(scene.look_after(OFTEN));
}
