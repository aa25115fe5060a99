//! `[component.NAME.supervision]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::raw::RawSupervision;
use crate::config::read::{Field, Place, Problems};
use crate::core::{HealthPolling, Supervision, SupervisionStrategy, format_duration};

use super::backoff::backoff;
use super::server::duration;

const WITHIN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);
/// More often, and a component does little else.
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3_600);
const ANSWER: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);
const SHUTDOWN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3_600);

/// `drain_timeout` is how long the whole server waits when it stops.
pub(super) fn supervision(
    raw: &RawSupervision,
    drain_timeout: Duration,
    problems: &mut Problems<'_>,
) -> Supervision {
    let default = Supervision::default();
    let strategy = raw.strategy.or(default.strategy);
    // Of a strategy with a slip in it nobody knows what it looks at.
    if !matches!(raw.strategy, Field::Unreadable) {
        warn_of_no_effect(raw, strategy, problems);
    }
    warn_of_late_end(&raw.shutdown_timeout, drain_timeout, problems);
    Supervision {
        strategy,
        max_restarts: raw
            .max_restarts
            .value()
            .map_or(default.max_restarts, |most| most.0),
        within: duration(&raw.within, default.within, &WITHIN, problems),
        backoff: backoff(&raw.backoff, &raw.max_backoff, problems),
        group: raw.group.value().cloned(),
        health: health(raw, &default.health, problems),
        shutdown_timeout: duration(
            &raw.shutdown_timeout,
            default.shutdown_timeout,
            &SHUTDOWN,
            problems,
        ),
    }
}

fn health(
    raw: &RawSupervision,
    default: &HealthPolling,
    problems: &mut Problems<'_>,
) -> HealthPolling {
    let failures = raw.health_failures.value();
    HealthPolling {
        interval: duration(&raw.health_interval, default.interval, &INTERVAL, problems),
        timeout: duration(&raw.health_timeout, default.timeout, &ANSWER, problems),
        failures: failures.map_or(default.failures, |failures| failures.0),
    }
}

fn warn_of_no_effect(
    raw: &RawSupervision,
    strategy: SupervisionStrategy,
    problems: &mut Problems<'_>,
) {
    let (word, restarts) = match strategy {
        SupervisionStrategy::Restart => ("restart", true),
        SupervisionStrategy::Stop => ("stop", false),
        SupervisionStrategy::Escalate => return,
    };
    let of_restarts = [
        ("max_restarts", place(&raw.max_restarts)),
        ("within", place(&raw.within)),
        ("backoff", place(&raw.backoff)),
        ("max_backoff", place(&raw.max_backoff)),
    ];
    let of_restarts = of_restarts.into_iter().filter(|_| !restarts);
    for (key, place) in of_restarts.chain([("group", place(&raw.group))]) {
        if let Some(place) = place {
            let help = match key {
                "group" => {
                    "only what escalates has its group restarted: leave it out, \
                    or write strategy = \"escalate\""
                }
                _ => "a component that is stopped is not restarted: leave it out",
            };
            let message = format!("{key} is not looked at where the strategy is {word}");
            problems.warn(place, message).help(help);
        }
    }
}

fn place<T>(field: &Field<T>) -> Option<&Place> {
    field.given().map(|given| &given.place)
}

fn warn_of_late_end(field: &Field<Duration>, drain: Duration, problems: &mut Problems<'_>) {
    let Some(given) = field.given().filter(|given| given.value > drain) else {
        return;
    };
    let [found, drain] = [given.value, drain].map(format_duration);
    let message = format!("shutdown_timeout {found} is longer than drain_timeout {drain}");
    problems
        .warn(&given.place, message)
        .help("when the server stops it waits no longer than [server] drain_timeout");
}
