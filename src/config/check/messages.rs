//! Routes that lead to topics instead of components: `publish`, `request`, `events`.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::Method;

use crate::config::model::{MessageRequest, Target};
use crate::config::raw::RawRoute;
use crate::config::read::{Field, List, Problems};

use super::server::duration;

const UNTIL_REPLY: Duration = Duration::from_secs(5);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3_600);

/// Those by which a client asks for nothing to happen (RFC 9110 §9.2.1), and sends no body.
const SAFE: [Method; 4] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];

pub(super) fn target(raw: &RawRoute, problems: &mut Problems<'_>) -> Option<Target> {
    let timeout = timeout(raw, problems);
    let publish = raw.publish.value().cloned().map(Target::Publish);
    let request = raw.request.value().cloned();
    let request = request.map(|topic| Target::Request(MessageRequest { topic, timeout }));
    let events = raw.events.value().cloned().map(Target::Events);
    publish.or(request).or(events)
}

fn timeout(raw: &RawRoute, problems: &mut Problems<'_>) -> Duration {
    if let Some(timeout) = raw.timeout.given().filter(|_| raw.request.is_absent()) {
        problems
            .error(&timeout.place, "a timeout is how long to wait for a reply")
            .help("only `request` has one: leave it out");
    }
    duration(&raw.timeout, UNTIL_REPLY, &TIMEOUT, problems)
}

/// Those that suit the target, where none are written; else those.
pub(super) fn methods(
    given: Vec<Method>,
    raw: &RawRoute,
    target: Option<&Target>,
    problems: &mut Problems<'_>,
) -> Vec<Method> {
    let written = &raw.methods;
    match target {
        Some(Target::Publish(_)) => refuse_safe(written, problems),
        Some(Target::Events(_)) => refuse_other_than_get(written, problems),
        _ => {}
    }
    match target {
        Some(Target::Publish(_) | Target::Request(_)) if written.is_absent() => {
            vec![Method::POST, Method::PUT]
        }
        Some(Target::Events(_)) if written.is_absent() => vec![Method::GET],
        _ => given,
    }
}

/// Caches, crawlers and browsers send these again as they like.
fn refuse_safe(written: &Field<List<Method>>, problems: &mut Problems<'_>) {
    let methods = written.value().into_iter().flatten();
    for method in methods.filter(|method| SAFE.contains(&method.value)) {
        problems
            .error(
                &method.place,
                format!("{} has no body that could be a message", method.value),
            )
            .help("messages are sent with \"POST\" or \"PUT\"");
    }
}

fn refuse_other_than_get(written: &Field<List<Method>>, problems: &mut Problems<'_>) {
    let methods = written.value().into_iter().flatten();
    let listens = |method: &Method| matches!(*method, Method::GET | Method::HEAD);
    for method in methods.filter(|method| !listens(&method.value)) {
        problems
            .error(
                &method.place,
                format!("{} is no way to listen to events", method.value),
            )
            .help("browsers listen with \"GET\"");
    }
}
