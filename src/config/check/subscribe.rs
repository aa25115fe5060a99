//! `[[component.NAME.subscribe]]`: the messages that a component gets.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use crate::config::raw::RawSubscription;
use crate::config::read::{At, Field, List, Problems};
use crate::core::{Actor, BusSpec, ByteSize, GroupName, Instances, SubscriptionSpec, TopicPattern};

use super::backoff::backoff;
use super::server::size;

/// Of one component: each has a queue and a task of its own.
const MOST: usize = 100;

const QUEUE: RangeInclusive<u64> = 1 << 10..=1 << 30;

pub(super) fn subscriptions(
    field: &Field<List<RawSubscription>>,
    instances: &Instances,
    bus: &BusSpec,
    problems: &mut Problems<'_>,
) -> Vec<SubscriptionSpec> {
    let Some(list) = field.given() else {
        return Vec::new();
    };
    if list.is_empty() {
        problems
            .error(&list.place, "an empty list subscribes to nothing")
            .help("leave it out");
    }
    if list.len() > MOST {
        let message = format!("{} subscriptions are more than {MOST}", list.len());
        problems
            .error(&list.place, message)
            .help("a pattern such as \"orders.*\" takes several topics");
        return Vec::new();
    }
    warn_of_overlaps(list, problems);
    let each = list
        .iter()
        .filter_map(|raw| subscription(raw, instances, bus, problems));
    each.collect()
}

/// Without a topic it is looked at all the same, for its other mistakes.
fn subscription(
    raw: &RawSubscription,
    instances: &Instances,
    bus: &BusSpec,
    problems: &mut Problems<'_>,
) -> Option<SubscriptionSpec> {
    let topic = raw.topic.value().cloned();
    let default = SubscriptionSpec::to(topic.clone().or_else(|| ">".parse().ok())?);
    let spec = SubscriptionSpec {
        group: raw.group.value().cloned(),
        queue: raw.queue.value().map_or(default.queue, |most| most.0),
        queue_bytes: queue_bytes(&raw.queue_bytes, default.queue_bytes, bus, problems),
        overflow: raw.overflow.or(default.overflow),
        concurrency: concurrency(raw, default.concurrency, instances, problems),
        attempts: raw.attempts.value().map_or(default.attempts, |many| many.0),
        backoff: backoff(&raw.backoff, &raw.max_backoff, problems),
        topic: default.topic,
    };
    topic.map(|_| spec)
}

/// One instance handles one message at a time.
fn concurrency(
    raw: &RawSubscription,
    default: NonZeroU32,
    instances: &Instances,
    problems: &mut Problems<'_>,
) -> NonZeroU32 {
    let given = raw.concurrency.given();
    let is_single = |actor: &Actor| actor.key.is_none();
    if !instances.actor.as_ref().is_some_and(is_single) {
        return given.map_or(default, |many| many.value.0);
    }
    if let Some(many) = given.filter(|many| many.value.0 > NonZeroU32::MIN) {
        problems
            .warn(
                &many.place,
                "an actor without key handles one message at a time: this has no effect",
            )
            .help("leave it out");
    }
    NonZeroU32::MIN
}

fn queue_bytes(
    field: &Field<ByteSize>,
    default: ByteSize,
    bus: &BusSpec,
    problems: &mut Problems<'_>,
) -> ByteSize {
    let before = problems.count();
    let largest = bus.bounds.body;
    // Two of the largest fit, whatever [bus] says.
    let default = default.max(ByteSize(largest.0.saturating_mul(2)));
    let bytes = size(field, default, QUEUE, problems);
    let given = field.given().filter(|_| problems.count() == before);
    if let Some(given) = given.filter(|_| bytes < largest) {
        problems
            .warn(
                &given.place,
                format!("a message of {largest} never fits into {bytes}"),
            )
            .help("raise it, or lower [bus] max_message");
    }
    bytes
}

/// Where the group is the same, or there is none: of other groups each gets a copy, as it shall.
fn warn_of_overlaps(list: &List<RawSubscription>, problems: &mut Problems<'_>) {
    let sound = list.iter().filter_map(Placed::of);
    let mut before: Vec<Placed<'_>> = Vec::new();
    for later in sound {
        let rival = before.iter().find_map(|earlier| {
            let narrow = (earlier.group == later.group).then(|| earlier.narrower(&later))??;
            Some((earlier, narrow))
        });
        if let Some((earlier, narrow)) = rival {
            report_overlap(earlier, &later, narrow, problems);
        }
        before.push(later);
    }
}

/// A subscription whose topic and group can be read.
struct Placed<'a> {
    topic: &'a At<TopicPattern>,
    group: Option<&'a GroupName>,
}

impl<'a> Placed<'a> {
    fn of(raw: &'a At<RawSubscription>) -> Option<Self> {
        let topic = raw.topic.given()?;
        let group = raw.group.value();
        (!matches!(raw.group, Field::Unreadable)).then_some(Self { topic, group })
    }

    /// The one of both that the other covers.
    fn narrower(&self, other: &Self) -> Option<&'a TopicPattern> {
        let (one, other) = (&self.topic.value, &other.topic.value);
        match (one.covers(other), other.covers(one)) {
            (true, _) => Some(other),
            (_, true) => Some(one),
            _ => None,
        }
    }
}

fn report_overlap(
    earlier: &Placed<'_>,
    later: &Placed<'_>,
    narrow: &TopicPattern,
    problems: &mut Problems<'_>,
) {
    let line = problems.line(&earlier.topic.place);
    let (message, help) = match later.group {
        None => (
            format!("messages of {narrow} come twice: line {line} takes them too"),
            "leave one of them out",
        ),
        Some(group) => (
            format!("messages of {narrow} are taken on line {line} too, in the same group {group}"),
            "leave one of them out, or give them groups of their own",
        ),
    };
    problems
        .warn(&later.topic.place, message)
        .help(help)
        .related(&earlier.topic.place.span, "the other one");
}
