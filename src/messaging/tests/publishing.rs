//! Who gets what, and what is not taken.

use std::sync::Arc;

use super::support::*;
use crate::core::{
    BusSpec, ByteSize, Message, MessageBounds, MessageBus as _, MessageOutcome, PublishError,
    Spread, SubscribeError, Subscription, Topic,
};
use crate::messaging::MOST_SUBSCRIPTIONS;

#[tokio::test(start_paused = true)]
async fn a_message_reaches_whose_pattern_matches_and_nobody_else() {
    let (bus, counted) = counted_bus();
    let patterns = [
        "orders.created",
        "orders.*",
        "orders.>",
        ">",
        "*",
        "stock.*",
    ];
    let recorders: Vec<_> = patterns.iter().map(|_| Recorder::open()).collect();
    let kept = patterns.iter().zip(&recorders);
    let _kept: Vec<_> = kept
        .map(|(pattern, recorder)| subscribe(&bus, spec(pattern), recorder.handler()))
        .collect();
    assert_eq!(
        publish(&bus, "orders.created", "a")
            .await
            .unwrap()
            .receivers,
        4
    );
    assert_eq!(
        publish(&bus, "orders.eu.created", "b")
            .await
            .unwrap()
            .receivers,
        2
    );
    assert_eq!(publish(&bus, "orders", "c").await.unwrap().receivers, 2);
    idle(&bus).await;
    let seen: Vec<_> = recorders.iter().map(|it| it.seen().concat()).collect();
    assert_eq!(seen, ["a", "a", "ab", "abc", "c", ""]);
    assert_eq!(counted.of(MessageOutcome::Handled), 8);
    assert_eq!(
        counted.latencies.load(std::sync::atomic::Ordering::SeqCst),
        8
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_receiver_is_taken_all_the_same() {
    assert_eq!(publish(&bus(), "nobody", "").await.unwrap().receivers, 0);
}

#[tokio::test(start_paused = true)]
async fn all_receivers_share_one_copy() {
    let bus = bus();
    let (sender, mut got) = tokio::sync::mpsc::channel(2);
    let handler = by(move |delivery| {
        let sender = sender.clone();
        async move {
            sender.send(delivery.message).await.unwrap();
            Ok(())
        }
    });
    let _both = [(); 2].map(|()| subscribe(&bus, spec("a"), handler.clone()));
    publish(&bus, "a", "x").await.unwrap();
    let (one, other) = (got.recv().await.unwrap(), got.recv().await.unwrap());
    assert!(Arc::ptr_eq(&one, &other));
}

#[tokio::test(start_paused = true)]
async fn who_unsubscribes_gets_nothing_new_and_handles_what_waits() {
    let bus = bus();
    let recorder = Recorder::closed_after(0);
    let subscription = subscribe(&bus, spec("a"), recorder.handler());
    for body in ["1", "2"] {
        publish(&bus, "a", body).await.unwrap();
    }
    drop(subscription);
    assert_eq!(publish(&bus, "a", "3").await.unwrap().receivers, 0);
    let left = inspect(&bus).subscriptions;
    assert!(left.len() == 1 && left[0].is_ending, "what waits is shown");
    recorder.pass(10);
    until(|| inspect(&bus).subscriptions.is_empty()).await;
    bus.drain().await;
    assert_eq!(recorder.seen(), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_was_ended_in_order_takes_nothing_any_more() {
    let bus = bus();
    let recorder = Recorder::open();
    let subscription = subscribe(&bus, spec("a"), recorder.handler());
    publish(&bus, "a", "1").await.unwrap();
    subscription.end().await;
    assert_eq!(publish(&bus, "a", "2").await.unwrap().receivers, 0);
    until(|| inspect(&bus).subscriptions.is_empty()).await;
    assert_eq!(recorder.seen(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_loop_ends_at_depth_16() {
    let bus = bus();
    let recorder = Recorder::open();
    let _listener = subscribe(&bus, spec("a"), recorder.handler());
    let send = |depth| bus.publish(deep(depth, message("a", "")), Spread::Shared);
    assert_eq!(send(16).await.unwrap().receivers, 1);
    assert_eq!(send(17).await, Err(PublishError::TooDeep));
    assert_eq!(
        ask(&bus, deep(17, message("a", ""))).await,
        Err(PublishError::TooDeep.into())
    );
}

#[tokio::test(start_paused = true)]
async fn two_components_that_send_to_each_other_come_to_an_end() {
    let bus = bus();
    let hops = Recorder::open();
    let answer_to = |other: &'static str| {
        let (bus, hops) = (Arc::downgrade(&bus), hops.handler());
        by(move |delivery| {
            let (bus, counted) = (bus.upgrade().unwrap(), hops.handle(delivery.clone()));
            async move {
                counted.await?;
                let next = deep(delivery.message.origin.depth + 1, message(other, "hop"));
                _ = bus.publish(next, Spread::Shared).await;
                Ok(())
            }
        })
    };
    let _a = subscribe(&bus, spec("a"), answer_to("b"));
    let _b = subscribe(&bus, spec("b"), answer_to("a"));
    publish(&bus, "a", "hop").await.unwrap();
    idle(&bus).await;
    // From depth 0 to 16.
    assert_eq!(hops.seen().len(), 17);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_not_taken_and_bounds_can_change() {
    let bus = bus();
    let recorder = Recorder::open();
    let _listener = subscribe(&bus, spec("a"), recorder.handler());
    bus.set_spec(BusSpec {
        bounds: MessageBounds {
            body: ByteSize(3),
            ..MessageBounds::default()
        },
        ..BusSpec::default()
    });
    let refused = publish(&bus, "a", "four").await;
    assert!(
        matches!(refused, Err(PublishError::TooLarge(_))),
        "{refused:?}"
    );
    assert!(ask(&bus, message("a", "four")).await.is_err());
    publish(&bus, "a", "3..").await.unwrap();
    idle(&bus).await;
    assert_eq!(recorder.seen(), ["3.."]);
}

#[tokio::test(start_paused = true)]
async fn the_gateways_own_topics_reach_no_subscription() {
    let bus = bus();
    let recorder = Recorder::open();
    let _all = subscribe(&bus, spec(">"), recorder.handler());
    let own = Message {
        topic: Topic::internal("_INBOX.0123456789abcdef").unwrap(),
        ..message("a", "")
    };
    let refused = bus.publish(own.clone(), Spread::Everyone).await;
    assert_eq!(refused, Err(PublishError::NoRequester));
    assert!(ask(&bus, own).await.is_err());
    idle(&bus).await;
    assert!(recorder.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_bounded() {
    let bus = bus();
    let mut kept: Vec<_> = (0..MOST_SUBSCRIPTIONS)
        .map(|number| subscribe(&bus, spec(&format!("t.{}", number % 100)), sleeper()))
        .collect();
    let one_more = Subscription {
        subscriber: "test".into(),
        spec: spec("a"),
    };
    let refused = bus.subscribe(one_more.clone(), sleeper()).await;
    assert!(matches!(
        refused,
        Err(SubscribeError::TooMany(MOST_SUBSCRIPTIONS))
    ));
    assert_eq!(publish(&bus, "t.7", "").await.unwrap().receivers, 100);
    kept.pop();
    assert!(bus.subscribe(one_more, sleeper()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_fails_and_the_next_message_is_handled() {
    let bus = bus();
    let recorder = Recorder::open();
    let inner = recorder.handler();
    let handler = by(move |delivery| {
        let handled = inner.handle(delivery.clone());
        async move {
            assert_ne!(body(&delivery.message), "bad", "a bug");
            handled.await
        }
    });
    let mut only_once = spec("a");
    only_once.attempts = std::num::NonZeroU32::MIN;
    let _listener = subscribe(&bus, only_once, handler);
    for body in ["1", "bad", "2"] {
        publish(&bus, "a", body).await.unwrap();
    }
    idle(&bus).await;
    assert_eq!(recorder.seen(), ["1", "2"]);
    let queue = queue(&bus);
    assert_eq!((queue.handled, queue.failed, queue.dead), (2, 1, 1));
    assert_eq!(dead_letters(&bus, 9)[0].error, "internal error");
}
