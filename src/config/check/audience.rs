//! Routes that send to topics which nobody listens to.

use std::collections::HashSet;

use crate::config::raw::RawConfig;
use crate::config::read::{Place, Problems};
use crate::core::{Topic, TopicPattern};

/// Of so many patterns with wildcards it would take minutes to compare each with each topic.
const MOST: usize = 1_000;

/// The routes whose messages nobody gets.
#[derive(Default)]
pub(super) struct Unheard(Vec<(Place, String)>);

impl Unheard {
    pub fn of(raw: &RawConfig) -> Self {
        let handlers = Audience::of(subscriptions(raw));
        let everybody = Audience::of(subscriptions(raw).chain(events(raw)));
        let routes = || raw.route.value().into_iter().flatten();
        let published = routes().filter_map(|route| route.publish.given());
        let published = published
            .filter(|topic| !everybody.hears(topic))
            .map(|topic| (topic.place.clone(), unheard(topic)));
        let requested = routes().filter_map(|route| route.request.given());
        // Who only watches does not reply.
        let requested = requested
            .filter(|topic| !handlers.hears(topic))
            .map(|topic| (topic.place.clone(), unanswered(topic)));
        Self(published.chain(requested).collect())
    }

    /// Only where nothing else is wrong: the subscription may be there with a slip in it.
    pub fn warn(self, problems: &mut Problems<'_>) {
        if problems.has_errors() {
            return;
        }
        for (place, message) in self.0 {
            problems
                .warn(&place, message)
                .help("[[component.NAME.subscribe]] topic = \"…\" lets a component have it");
        }
    }
}

fn unheard(topic: &Topic) -> String {
    format!("nobody listens to {topic}: what is sent there is lost")
}

fn unanswered(topic: &Topic) -> String {
    format!("no component listens to {topic}: nobody replies")
}

fn subscriptions(raw: &RawConfig) -> impl Iterator<Item = &TopicPattern> {
    let components = raw.component.value().into_iter().flat_map(|all| &all.0);
    let lists = components.filter_map(|entry| entry.value.value()?.subscribe.value());
    lists.flatten().filter_map(|raw| raw.topic.value())
}

fn events(raw: &RawConfig) -> impl Iterator<Item = &TopicPattern> {
    let routes = raw.route.value().into_iter().flatten();
    routes.filter_map(|route| route.events.value())
}

/// Who listens.
struct Audience<'a> {
    exact: HashSet<&'a str>,
    wide: HashSet<&'a TopicPattern>,
}

impl<'a> Audience<'a> {
    fn of(patterns: impl Iterator<Item = &'a TopicPattern>) -> Self {
        let is_exact = |pattern: &TopicPattern| pattern.as_str().parse::<Topic>().is_ok();
        let (exact, wide): (Vec<_>, Vec<_>) = patterns.partition(|pattern| is_exact(pattern));
        Self {
            exact: exact.into_iter().map(TopicPattern::as_str).collect(),
            wide: wide.into_iter().collect(),
        }
    }

    fn hears(&self, topic: &Topic) -> bool {
        self.exact.contains(topic.as_str())
            || self.wide.len() > MOST
            || self.wide.iter().any(|pattern| pattern.matches(topic))
    }
}
