//! `[component.NAME.rollout]`: how a deployed version gets its traffic.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::raw::{RawHttpCheck, RawRollout};
use crate::config::read::{At, Field, List, Place, Problems};
use crate::config::text::Step;
use crate::core::{HttpCheck, RolloutPolicy, Strategy};

use super::server::duration;

const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(86_400);
/// A check that hangs holds its rollout.
const CHECK: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);
/// Between 1 and 99 there are no more.
const MOST_STEPS: usize = 100;

pub(super) fn rollout(raw: &At<RawRollout>, problems: &mut Problems<'_>) -> RolloutPolicy {
    let default = RolloutPolicy::default();
    let strategy = raw.strategy.or(default.strategy);
    let policy = RolloutPolicy {
        strategy,
        steps: steps(&raw.steps, strategy, problems),
        interval: duration(&raw.interval, default.interval, &INTERVAL, problems),
        min_requests: raw
            .min_requests
            .value()
            .map_or(default.min_requests, |many| many.get()),
        max_error_rate: raw
            .max_error_rate
            .value()
            .map_or(default.max_error_rate, |share| share.0),
        max_p99_ratio: raw.max_p99_ratio.value().map(|factor| factor.0),
        on_inconclusive: raw.on_inconclusive.or(default.on_inconclusive),
        check: raw.check.given().and_then(|raw| check(raw, problems)),
    };
    // Of a strategy with a slip in it nobody knows what it looks at.
    if !matches!(raw.strategy, Field::Unreadable) {
        refuse_useless_steps(&raw.steps, strategy, problems);
        warn_of_no_effect(raw, strategy, problems);
    }
    policy
}

fn steps(field: &Field<List<Step>>, strategy: Strategy, problems: &mut Problems<'_>) -> Vec<u8> {
    let Some(list) = field.given() else {
        return RolloutPolicy::default_steps(strategy);
    };
    if list.is_empty() {
        problems
            .error(&list.place, "an empty list has no step")
            .help("leave it out for the default, or write strategy = \"immediate\"");
    }
    if list.len() > MOST_STEPS {
        let message = format!("{} steps are more than {MOST_STEPS}", list.len());
        problems.error(&list.place, message);
        return Vec::new();
    }
    for pair in list.windows(2) {
        let [before, step] = pair else { continue };
        if step.value <= before.value {
            let (before, percent) = (before.value.0, step.value.0);
            let message = format!("a step out of order: {percent} follows {before}");
            problems
                .error(&step.place, message)
                .help("each step gives the new version more than the one before");
        }
    }
    list.iter().map(|step| step.value.0).collect()
}

fn refuse_useless_steps(
    field: &Field<List<Step>>,
    strategy: Strategy,
    problems: &mut Problems<'_>,
) {
    let word = match strategy {
        Strategy::Canary | Strategy::Rolling => return,
        Strategy::BlueGreen => "blue-green",
        Strategy::Immediate => "immediate",
    };
    if let Some(list) = field.given() {
        problems
            .error(
                &list.place,
                format!("steps have no effect: {word} gives all traffic at once"),
            )
            .help("write strategy = \"canary\" or \"rolling\", or leave them out");
    }
}

/// What looks at no numbers must not seem to.
fn warn_of_no_effect(raw: &RawRollout, strategy: Strategy, problems: &mut Problems<'_>) {
    let word = match strategy {
        Strategy::Canary | Strategy::BlueGreen => return,
        Strategy::Rolling => "rolling",
        Strategy::Immediate => "immediate",
    };
    let interval = place(&raw.interval).filter(|_| strategy == Strategy::Immediate);
    let keys = [
        ("interval", interval),
        ("min_requests", place(&raw.min_requests)),
        ("max_error_rate", place(&raw.max_error_rate)),
        ("max_p99_ratio", place(&raw.max_p99_ratio)),
        ("on_inconclusive", place(&raw.on_inconclusive)),
        ("check", place(&raw.check)),
    ];
    for (key, place) in keys {
        if let Some(place) = place {
            let message = format!("{key} is not looked at where the strategy is {word}");
            let help = "canary and blue-green watch the new version: leave it out, or choose one";
            problems.warn(place, message).help(help);
        }
    }
}

fn place<T>(field: &Field<T>) -> Option<&Place> {
    field.given().map(|given| &given.place)
}

fn check(raw: &RawHttpCheck, problems: &mut Problems<'_>) -> Option<HttpCheck> {
    let timeout = duration(&raw.timeout, Duration::from_secs(5), &CHECK, problems);
    let url = raw.url.value()?.0.clone();
    Some(HttpCheck { url, timeout })
}
