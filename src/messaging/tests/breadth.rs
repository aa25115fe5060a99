//! What one request causes, however it does so: it comes to an end.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::support::*;
use crate::core::{
    BusSpec, DeadLetters as _, HandleError, Message, MessageBus as _, MessageHandler, Origin,
    PublishError, RequestId, Spread,
};
use crate::messaging::LocalBus;

fn bounded(most: u32) -> Arc<LocalBus> {
    let bus = bus();
    bus.set_spec(BusSpec {
        max_caused: NonZeroU32::new(most).unwrap(),
        ..BusSpec::default()
    });
    bus
}

/// A message of a request at the edge.
fn of(id: RequestId, depth: u8, topic: &str) -> Message {
    let origin = Origin {
        id,
        depth,
        ..Origin::NONE
    };
    Message {
        origin,
        ..message(topic, "")
    }
}

/// Sends ten messages for each that it gets, counts what it got, and fails then or does not.
fn tenfold(
    bus: &Arc<LocalBus>,
    count: &Arc<AtomicU32>,
    result: Result<(), HandleError>,
) -> Arc<dyn MessageHandler> {
    let (bus, count) = (Arc::downgrade(bus), count.clone());
    by(move |delivery| {
        count.fetch_add(1, Ordering::SeqCst);
        let (bus, result) = (bus.upgrade().unwrap(), result.clone());
        async move {
            for _ in 0..10 {
                let next = Message {
                    origin: delivery.message.origin.deeper(),
                    ..message("a.x", "")
                };
                _ = bus.publish(next, Spread::Shared).await;
            }
            result
        }
    })
}

#[tokio::test(start_paused = true)]
async fn ten_messages_for_every_message_come_to_an_end() {
    let (bus, count) = (bounded(300), Arc::default());
    let _listener = subscribe(&bus, spec("a.>"), tenfold(&bus, &count, Ok(())));
    for requests in 1..=2 {
        publish(&bus, "a.x", "").await.unwrap();
        idle(&bus).await;
        // One that was sent, and those that it caused.
        assert_eq!(count.load(Ordering::SeqCst), requests * 301);
    }
    bus.drain().await;
}

#[tokio::test(start_paused = true)]
async fn tries_that_cause_messages_come_to_an_end() {
    let (bus, count) = (bounded(300), Arc::default());
    let fails = Err(HandleError::Refused("always".into()));
    let _listener = subscribe(&bus, spec("a.>"), tenfold(&bus, &count, fails));
    publish(&bus, "a.x", "").await.unwrap();
    idle(&bus).await;
    assert_eq!(count.load(Ordering::SeqCst), 5 * 301);
    assert_eq!(bus.inspect().await.dead, 301);
    // Somebody puts one back: it may cause as many again.
    let letter = bus.dead_letters(1).await.remove(0).id;
    bus.redeliver(letter).await.unwrap();
    idle(&bus).await;
    assert_eq!(count.load(Ordering::SeqCst), 5 * 602);
}

#[tokio::test(start_paused = true)]
async fn messages_and_requests_count_together_and_each_request_at_the_edge_for_itself() {
    let bus = bounded(2);
    let _listener = subscribe(&bus, spec("a"), echo(&bus));
    let (one, other) = (RequestId::next(), RequestId::next());
    let asked = |id| ask(&bus, of(id, 1, "a"));
    // What goes nowhere causes nothing.
    let nobody = bus.publish(of(one, 1, "nobody"), Spread::Shared).await;
    assert_eq!(nobody.unwrap().receivers, 0);
    let sent = bus.publish(of(one, 3, "a"), Spread::Everyone).await;
    assert_eq!(sent.unwrap().receivers, 1);
    assert_eq!(asked(one).await.unwrap(), [""]);
    assert_eq!(asked(one).await, Err(PublishError::TooDeep.into()));
    let refused = bus.publish(of(one, 1, "a"), Spread::Shared).await;
    assert_eq!(refused, Err(PublishError::TooDeep));
    assert_eq!(asked(other).await.unwrap(), [""]);
    // A client's own messages are caused by nobody.
    for _ in 0..5 {
        assert_eq!(ask(&bus, of(one, 0, "a")).await.unwrap(), [""]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_for_no_request_does_not_share_one_bound() {
    let bus = bounded(2);
    let _listener = subscribe(&bus, spec("a"), echo(&bus));
    for _ in 0..5 {
        let sent = deep(1, message("a", ""));
        assert_eq!(ask(&bus, sent).await.unwrap(), [""]);
    }
}
