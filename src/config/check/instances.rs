//! `[component.NAME.instances]`.

use std::num::NonZeroU32;

use crate::config::raw::RawInstances;
use crate::config::read::{Field, Problems};
use crate::core::{Instances, Reuse};

use super::actor::actor;

/// `budget`: its limits set fuel or cpu.
pub(super) fn instances(
    raw: &RawInstances,
    budget: bool,
    problems: &mut Problems<'_>,
) -> Instances {
    let default = Instances::default();
    let actor = actor(raw, problems);
    if actor.is_some() {
        return Instances {
            idle_timeout: raw.idle_timeout.or(default.idle_timeout),
            max: raw.max.or(default.max),
            actor,
            ..default
        };
    }
    let max = raw.max.or(default.max);
    if let Some(ready) = raw.ready.given().filter(|ready| ready.value > max.get()) {
        problems.error(
            &ready.place,
            format!("{} ready instances are more than max = {max}", ready.value),
        );
    }
    Instances {
        reuse: reuse(raw, budget, problems),
        ready: raw.ready.or(default.ready),
        idle_timeout: raw.idle_timeout.or(default.idle_timeout),
        max,
        actor: None,
    }
}

fn reuse(raw: &RawInstances, budget: bool, problems: &mut Problems<'_>) -> Reuse {
    let requests = raw.reuse.or(NonZeroU32::MIN);
    let Some(at_once) = raw.concurrent.given().filter(|at_once| at_once.get() > 1) else {
        return match requests.get() {
            1 => Reuse::Fresh,
            _ => Reuse::Serial { requests },
        };
    };
    if requests < at_once.value && !matches!(raw.reuse, Field::Unreadable) {
        problems
            .error(
                &at_once.place,
                format!(
                    "an instance that serves {requests} in all cannot serve {} at once",
                    at_once.value
                ),
            )
            .help(format!(
                "reuse must be at least concurrent: write reuse = {} or more",
                at_once.value
            ));
    }
    if budget {
        problems
            .warn(
                &at_once.place,
                "with concurrent > 1 the cpu and fuel budget is the instance's, not the request's",
            )
            .help("requests in one instance share it");
    }
    Reuse::Concurrent {
        requests,
        at_once: at_once.value,
    }
}
