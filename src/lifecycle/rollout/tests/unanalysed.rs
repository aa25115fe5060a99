use super::support::*;
use crate::core::Strategy;
use crate::lifecycle::state::{Outcome, Phase};
use crate::monitoring::Ending;

#[test]
fn a_rolling_step_ends_with_its_interval_whatever_happens() {
    let mut scene = Scene::of(Strategy::Rolling);
    calls(&scene.candidate, 0, 1_000, Ending::Trap);
    assert_eq!(scene.watch_for(INTERVAL - OFTEN), []);
    let verdict = done(scene.look_after(OFTEN));
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(verdict.reason, "nothing is analysed in a rolling rollout");
    assert_eq!(verdict.candidate.traps, 1_000);
    scene.rollout.step += 1;
    assert_eq!(scene.watch_for(INTERVAL), []);
    done(scene.look_after(OFTEN));
}

#[test]
fn a_rolling_rollout_can_be_paused() {
    let mut scene = Scene::of(Strategy::Rolling);
    scene.rollout.phase = Phase::Paused;
    assert_eq!(scene.watch_for(INTERVAL * 2), []);
    scene.resume();
    waiting(scene.look_after(INTERVAL - OFTEN));
    done(scene.look_after(OFTEN));
}

#[test]
fn an_immediate_rollout_is_done_at_once() {
    let mut scene = Scene::of(Strategy::Immediate);
    let verdict = done(scene.look_after(OFTEN));
    assert_eq!(
        verdict.reason,
        "nothing is analysed in an immediate rollout"
    );
}
