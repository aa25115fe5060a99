use super::*;
use crate::gateway::messages::events::position::Beginning;
use crate::gateway::messages::events::ring::Reading;
use crate::gateway::messages::stand_in::{StandIn, message};
use crate::gateway::snapshot::{Snapshot, tests::config};
use crate::lifecycle::Deployments;
use futures_util::FutureExt as _;

fn listening(routes: &[(&str, &str)]) -> Config {
    config(routes.iter().map(|(name, pattern)| {
        let target = Target::Events(pattern.parse().unwrap());
        (*name, target)
    }))
}

fn feeds(routes: &[(&str, &str)], bus: &Arc<StandIn>, old: &Feeds) -> Feeds {
    let feeds = Feeds::new(&listening(routes), &bus.dynamic(), old).now_or_never();
    feeds.unwrap().unwrap()
}

fn patterns(bus: &StandIn) -> Vec<String> {
    let subscriptions = bus.subscriptions().into_iter();
    let mut patterns: Vec<_> = subscriptions
        .map(|it| format!("{} {}", it.subscriber, it.spec.topic))
        .collect();
    patterns.sort();
    patterns
}

#[test]
fn a_feed_stays_while_its_route_does() {
    let bus = StandIn::new();
    let none = Feeds::default();
    let old = feeds(&[("a", "a.*"), ("b", "b.*"), ("c", "c.*")], &bus, &none);
    let new = feeds(&[("c", "c.>"), ("a", "a.*"), ("d", "d.*")], &bus, &old);
    let ring =
        |feeds: &Feeds, route, pattern: &str| feeds.ring(route, &pattern.parse().unwrap()).cloned();
    let kept = ring(&new, "a", "a.*").unwrap();
    assert!(Arc::ptr_eq(&kept, &ring(&old, "a", "a.*").unwrap()));
    drop(old);
    let expected = ["events:a a.*", "events:c c.>", "events:d d.*"];
    assert_eq!(patterns(&bus), expected);
    drop(new);
    assert!(patterns(&bus).is_empty());
}

#[test]
fn who_listens_to_a_route_that_goes_is_sent_away() {
    let bus = StandIn::new();
    let pattern = "a.*".parse().unwrap();
    let old = feeds(&[("a", "a.*")], &bus, &Feeds::default());
    let ring = old.ring("a", &pattern).unwrap().clone();
    let (mut cursor, _) = ring.begin(Beginning::Now);
    let new = feeds(&[("a", "a.*")], &bus, &old);
    drop(old);
    assert_eq!(ring.read(&mut cursor), Reading::Nothing);
    drop(new);
    assert_eq!(ring.read(&mut cursor), Reading::End);
}

#[test]
fn what_is_published_reaches_the_ring_and_replies_do_not() {
    let bus = StandIn::new();
    let feeds = feeds(&[("all", ">")], &bus, &Feeds::default());
    let ring = feeds.ring("all", &">".parse().unwrap()).unwrap();
    let (mut cursor, _) = ring.begin(Beginning::Now);
    let mut reply = message("x", "secret");
    reply.topic = crate::core::Topic::internal("_INBOX.1").unwrap();
    bus.deliver(reply);
    assert_eq!(bus.deliver(message("orders.created", "7")), 1);
    let Reading::Piece(told) = ring.read(&mut cursor) else {
        panic!("nothing came");
    };
    let told = String::from_utf8(told).unwrap();
    assert!(
        told.ends_with("-1\nevent: orders.created\ndata: 7\n\n"),
        "{told}"
    );
}

#[test]
fn publishers_never_wait_for_listeners() {
    let bus = StandIn::new();
    let _feeds = feeds(&[("a", "a.*")], &bus, &Feeds::default());
    let spec = &bus.subscriptions()[0].spec;
    assert_eq!(spec.overflow, Overflow::DropOldest);
    assert_eq!((spec.concurrency.get(), spec.attempts.get()), (1, 1));
    assert!(spec.queue.get() as usize > Memory::default().messages);
    assert_eq!(spec.group, None);
}

#[tokio::test]
async fn a_table_shares_the_feeds_of_the_one_before() {
    let bus = StandIn::with(Some(1));
    let (one, two) = (listening(&[("a", "a.*")]), listening(&[("a", "b.*")]));
    let none = Deployments::default();
    let first = Snapshot::new(&one, &none, &bus.dynamic()).await.unwrap();
    let second = first.renewed(&one, &none, &bus.dynamic()).await.unwrap();
    drop(first);
    let third = second.with(&none);
    drop(second);
    assert_eq!(patterns(&bus), ["events:a a.*"]);
    // One that cannot be had leaves what is there.
    let error = third
        .renewed(&two, &none, &bus.dynamic())
        .await
        .err()
        .unwrap();
    assert_eq!(error.route, "a");
    assert_eq!(patterns(&bus), ["events:a a.*"]);
    drop(third);
    assert!(patterns(&bus).is_empty());
}
