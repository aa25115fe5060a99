use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop, prop_assert, prop_oneof, proptest};

use super::*;
use crate::core::{Backoff, HealthPolling};

const SECOND: Duration = Duration::from_secs(1);

fn policy(strategy: SupervisionStrategy, max_restarts: u32) -> Supervision {
    Supervision {
        strategy,
        max_restarts,
        within: 60 * SECOND,
        backoff: Backoff {
            first: Duration::from_millis(100),
            most: 10 * SECOND,
        },
        group: None,
        health: HealthPolling {
            failures: 3.try_into().unwrap(),
            ..HealthPolling::default()
        },
        shutdown_timeout: SECOND,
    }
}

/// A version that runs.
struct Life {
    course: Course,
    policy: Supervision,
    now: Instant,
}

impl Life {
    fn running(strategy: SupervisionStrategy, max_restarts: u32) -> Self {
        let mut life = Self {
            course: Course::new(),
            policy: policy(strategy, max_restarts),
            now: Instant::now(),
        };
        life.begin();
        life
    }

    fn on(&mut self, event: Event) -> Decision {
        self.course.on(event, &self.policy, self.now, 0.0)
    }

    fn begin(&mut self) {
        self.on(Event::Begins);
        self.on(Event::Started);
        assert_eq!(self.course.state(), RunState::Running);
    }

    /// So many failures, each with its restart.
    fn fail(&mut self, times: u32) {
        for _ in 0..times {
            assert!(matches!(self.on(Event::Failed), Decision::RestartAfter(_)));
            assert_eq!(self.course.state(), RunState::Restarting);
            self.begin();
        }
    }
}

#[test]
fn pauses_grow_until_it_is_given_up() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    let pauses = [100, 200, 400].map(Duration::from_millis);
    for pause in pauses {
        assert_eq!(life.on(Event::Failed), Decision::RestartAfter(pause));
        life.begin();
    }
    assert_eq!(life.on(Event::Failed), Decision::GiveUp);
    assert_eq!(life.course.state(), RunState::Stopped);
}

#[test]
fn what_was_long_ago_is_forgotten() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    life.fail(3);
    life.now += 60 * SECOND;
    life.fail(3);
    life.now += 59 * SECOND;
    assert_eq!(life.on(Event::Failed), Decision::GiveUp);
}

#[test]
fn stop_means_at_the_first_failure() {
    let mut life = Life::running(SupervisionStrategy::Stop, 3);
    assert_eq!(life.on(Event::Failed), Decision::GiveUp);
    assert_eq!(life.course.state(), RunState::Stopped);
}

#[test]
fn a_failure_of_what_does_not_serve_is_none() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    life.on(Event::Failed);
    assert_eq!(life.on(Event::Failed), Decision::GoOn);
    assert_eq!(life.course.state(), RunState::Restarting);
    life.on(Event::StopAsked);
    assert_eq!(life.on(Event::Failed), Decision::GoOn);
    assert_eq!(life.course.state(), RunState::Stopping);
}

#[test]
fn a_start_that_fails_counts() {
    let mut life = Life::running(SupervisionStrategy::Restart, 1);
    life.on(Event::Failed);
    assert_eq!(life.on(Event::Begins), Decision::Start);
    assert_eq!(life.on(Event::Failed), Decision::GiveUp);
}

#[test]
fn bad_answers_degrade_and_then_fail() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    for event in [Event::Unanswered, Event::Answered(HealthStatus::Unhealthy)] {
        assert_eq!(life.on(event), Decision::GoOn);
        assert_eq!(life.course.state(), RunState::Degraded);
    }
    assert!(matches!(
        life.on(Event::Unanswered),
        Decision::RestartAfter(_)
    ));
}

#[test]
fn one_good_answer_makes_up_for_bad_ones() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    for _ in 0..5 {
        life.on(Event::Unanswered);
        life.on(Event::Unanswered);
        life.on(Event::Answered(HealthStatus::Healthy));
        assert_eq!(life.course.state(), RunState::Running);
    }
}

#[test]
fn who_is_degraded_is_asked_on_and_never_restarted_for_it() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    for _ in 0..10 {
        life.on(Event::Answered(HealthStatus::Degraded));
        assert_eq!(life.course.state(), RunState::Degraded);
    }
    life.on(Event::Answered(HealthStatus::Healthy));
    assert_eq!(life.course.state(), RunState::Running);
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut life = Life::running(SupervisionStrategy::Restart, 3);
    life.on(Event::Failed);
    for event in [Event::Unanswered, Event::Answered(HealthStatus::Healthy)] {
        assert_eq!(life.on(event), Decision::GoOn);
        assert_eq!(life.course.state(), RunState::Restarting);
    }
}

#[test]
fn an_operator_brings_it_back_with_a_clean_history() {
    let mut life = Life::running(SupervisionStrategy::Restart, 2);
    life.fail(2);
    life.on(Event::Failed);
    assert_eq!(life.on(Event::Restarted), Decision::StartAnew);
    assert_eq!(life.course.state(), RunState::Starting);
    life.on(Event::Started);
    life.fail(2);
}

#[test]
fn an_escalation_gets_one_restart_with_the_group_and_no_second() {
    let mut life = Life::running(SupervisionStrategy::Escalate, 2);
    life.fail(2);
    assert_eq!(life.on(Event::Failed), Decision::Escalate);
    assert_eq!(life.course.state(), RunState::Failed);
    assert_eq!(life.on(Event::GroupFailed), Decision::StartAnew);
    life.on(Event::Started);
    assert_eq!(life.on(Event::Failed), Decision::Escalate);
    assert_eq!(life.on(Event::GroupFailed), Decision::Exceeded);
    assert_eq!(life.course.state(), RunState::Failed);
}

#[test]
fn a_restart_with_the_group_counts() {
    let mut life = Life::running(SupervisionStrategy::Restart, 2);
    life.fail(1);
    assert_eq!(life.on(Event::GroupFailed), Decision::StartAnew);
    life.on(Event::Started);
    assert_eq!(life.on(Event::Failed), Decision::GiveUp);
}

#[test]
fn what_an_operator_stopped_stays_so_whatever_its_group_does() {
    let mut life = Life::running(SupervisionStrategy::Restart, 2);
    assert_eq!(life.on(Event::StopAsked), Decision::End);
    assert_eq!(life.on(Event::GroupFailed), Decision::GoOn);
    life.on(Event::Ended);
    assert_eq!(life.course.state(), RunState::Stopped);
    assert_eq!(life.on(Event::GroupFailed), Decision::GoOn);
    assert_eq!(life.course.state(), RunState::Stopped);
}

/// Things that happen, with the milliseconds before each.
fn events() -> impl Strategy<Value = Vec<(Event, u64)>> {
    let event = prop_oneof![
        4 => Just(Event::Failed),
        2 => Just(Event::Begins),
        2 => Just(Event::Started),
        3 => Just(Event::Unanswered),
        1 => Just(Event::Answered(HealthStatus::Unhealthy)),
        1 => Just(Event::Answered(HealthStatus::Healthy)),
        1 => Just(Event::Answered(HealthStatus::Degraded)),
        1 => Just(Event::GroupFailed),
    ];
    let gap = prop_oneof![4 => 0..2_000u64, 1 => 2_000..90_000u64];
    prop::collection::vec((event, gap), 0..300)
}

/// The most restarts that any window saw.
fn busiest(restarts: &[Instant], within: Duration) -> usize {
    let in_window = |from: &Instant| {
        let inside = |then: &&Instant| **then >= *from && then.duration_since(*from) < within;
        restarts.iter().filter(inside).count()
    };
    restarts.iter().map(in_window).max().unwrap_or(0)
}

/// When it is restarted.
fn restarts(life: &mut Life, events: impl IntoIterator<Item = (Event, u64)>) -> Vec<Instant> {
    let mut restarts = Vec::new();
    for (event, gap) in events {
        life.now += Duration::from_millis(gap);
        match life.on(event) {
            Decision::RestartAfter(pause) => {
                assert!(pause <= life.policy.backoff.most);
                restarts.push(life.now);
            }
            Decision::StartAnew => restarts.push(life.now),
            _ => {}
        }
        assert!(life.course.restarts.len() <= life.policy.max_restarts as usize + 1);
    }
    restarts
}

fn strategies() -> impl Strategy<Value = SupervisionStrategy> {
    prop_oneof![
        Just(SupervisionStrategy::Restart),
        Just(SupervisionStrategy::Escalate),
        Just(SupervisionStrategy::Stop),
    ]
}

proptest! {
    #[test]
    fn no_window_sees_more_restarts_than_permitted(
        strategy in strategies(),
        max_restarts in 0..6u32,
        events in events(),
    ) {
        let mut life = Life::running(strategy, max_restarts);
        let alone = events.into_iter().filter(|(event, _)| *event != Event::GroupFailed);
        let all = restarts(&mut life, alone);
        prop_assert!(busiest(&all, life.policy.within) <= max_restarts as usize);
    }

    #[test]
    fn a_group_adds_one_restart_to_a_window_at_most(
        strategy in strategies(),
        max_restarts in 0..6u32,
        events in events(),
    ) {
        let mut life = Life::running(strategy, max_restarts);
        let all = restarts(&mut life, events);
        prop_assert!(busiest(&all, life.policy.within) <= max_restarts as usize + 1);
    }
}
