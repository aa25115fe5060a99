//! What fails is tried again, aside and later; what cannot be handled is given up.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::support::*;
use crate::core::{
    Delivery, Fault, HandleError, MessageBus as _, MessageHandler, MessageOutcome, Overflow,
    Spread, SubscriptionSpec,
};

/// Fails with what it is asked to fail with, and remembers when it was tried.
#[derive(Default)]
struct Failing {
    tries: Mutex<Vec<(String, u32, Instant)>>,
}

impl Failing {
    fn handler(self: &Arc<Self>) -> Arc<dyn MessageHandler> {
        let failing = self.clone();
        by(move |delivery: Delivery| {
            let text = body(&delivery.message);
            let mut tries = failing.tries.lock().unwrap();
            tries.push((text.clone(), delivery.attempt, Instant::now()));
            std::future::ready(match text.as_str() {
                "poison" => Err(HandleError::Refused("no".repeat(10_000))),
                "hopeless" => Err(HandleError::Hopeless("not json".into())),
                "twice" if delivery.attempt <= 2 => Err(HandleError::Fault(Fault::Timeout)),
                _ => Ok(()),
            })
        })
    }

    fn tries(&self, of: &str) -> Vec<(u32, Instant)> {
        let tries = self.tries.lock().unwrap();
        let tries = tries.iter().filter(|(text, ..)| text == of);
        tries.map(|(_, attempt, when)| (*attempt, *when)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_is_tried_5_times_with_pauses_and_then_given_up() {
    let (bus, counted) = counted_bus();
    let failing = Arc::new(Failing::default());
    let _listener = subscribe(&bus, spec("a"), failing.handler());
    publish(&bus, "a", "poison").await.unwrap();
    until(|| queue(&bus).dead == 1).await;
    let tries = failing.tries("poison");
    assert_eq!(
        tries.iter().map(|it| it.0).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    for (pair, longest) in tries.windows(2).zip([100, 200, 400, 800]) {
        let pause = (pair[1].1 - pair[0].1).as_millis();
        assert!(
            (longest / 2..=longest + 2).contains(&pause),
            "{pause} {longest}"
        );
    }
    let queue = queue(&bus);
    assert_eq!(
        (queue.failed, queue.handled, queue.waiting, queue.delayed),
        (5, 0, 0, 0)
    );
    assert_eq!(counted.of(MessageOutcome::Retried), 4);
    assert_eq!(counted.of(MessageOutcome::DeadLettered), 1);
    assert_eq!(inspect(&bus).dead, 1);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_not_all_alike() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let _listener = subscribe(&bus, spec("*"), failing.handler());
    for topic in 0..16 {
        publish(&bus, &topic.to_string(), "twice").await.unwrap();
    }
    until(|| queue(&bus).handled == 16).await;
    let tries = failing.tries("twice");
    let second: std::collections::HashSet<_> =
        tries.iter().filter(|it| it.0 == 2).map(|it| it.1).collect();
    assert!(second.len() > 4, "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_does_not_hold_up_those_behind_it() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let one_at_a_time = SubscriptionSpec {
        concurrency: 1.try_into().unwrap(),
        ..spec("a")
    };
    let _listener = subscribe(&bus, one_at_a_time, failing.handler());
    let began = Instant::now();
    for body in ["poison", "poison", "good", "good"] {
        publish(&bus, "a", body).await.unwrap();
    }
    until(|| failing.tries("good").len() == 2).await;
    assert!(began.elapsed() < Duration::from_millis(10));
    assert_eq!((queue(&bus).delayed, queue(&bus).waiting), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_hopeless_is_given_up_at_once() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let _listener = subscribe(&bus, spec("a"), failing.handler());
    publish(&bus, "a", "hopeless").await.unwrap();
    idle(&bus).await;
    assert_eq!(failing.tries("hopeless").len(), 1);
    assert_eq!(queue(&bus).dead, 1);
}

#[tokio::test(start_paused = true)]
async fn what_succeeds_in_the_end_is_handled() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let _listener = subscribe(&bus, spec("a"), failing.handler());
    publish(&bus, "a", "twice").await.unwrap();
    until(|| queue(&bus).handled == 1).await;
    assert_eq!((queue(&bus).failed, queue(&bus).dead), (2, 0));
    assert!(dead_letters(&bus, 9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_try_has_its_place_in_the_queue() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let small = SubscriptionSpec {
        queue: 2.try_into().unwrap(),
        ..spec("*")
    };
    let _listener = subscribe(&bus, small.clone(), failing.handler());
    for topic in ["a", "b"] {
        publish(&bus, topic, "poison").await.unwrap();
    }
    until(|| queue(&bus).delayed == 2).await;
    assert!(publish(&bus, "c", "good").await.is_err());
    // The one that has waited longest makes room, even for its next try.
    let bus = super::support::bus();
    let overflow = Overflow::DropOldest;
    let _listener = subscribe(
        &bus,
        SubscriptionSpec { overflow, ..small },
        failing.handler(),
    );
    for topic in ["a", "b"] {
        publish(&bus, topic, "poison").await.unwrap();
    }
    until(|| queue(&bus).delayed == 2).await;
    publish(&bus, "c", "good").await.unwrap();
    assert_eq!((queue(&bus).delayed, queue(&bus).dropped), (1, 1));
    until(|| queue(&bus).dead == 1).await;
    assert_eq!(queue(&bus).waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_to_the_concurrency() {
    let bus = bus();
    let failing = Arc::new(Failing::default());
    let (inner, recorder) = (failing.handler(), Recorder::closed_after(0));
    let gate = recorder.handler();
    let handler = by(move |delivery| {
        let (first, second) = (
            inner.handle(delivery.clone()),
            gate.handle(delivery.clone()),
        );
        async move {
            match body(&delivery.message).as_str() {
                "stuck" => second.await,
                _ => first.await,
            }
        }
    });
    let one_at_a_time = SubscriptionSpec {
        concurrency: 1.try_into().unwrap(),
        ..spec("a")
    };
    let _listener = subscribe(&bus, one_at_a_time, handler);
    for (publisher, body) in [(1, "twice"), (2, "stuck")] {
        let message = from(publisher, message("a", body));
        bus.publish(message, Spread::Shared).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(failing.tries("twice").len(), 1);
    let queue_now = queue(&bus);
    assert_eq!(
        (queue_now.waiting, queue_now.delayed, queue_now.in_flight),
        (1, 0, 1)
    );
    recorder.pass(1);
    until(|| queue(&bus).handled == 2).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_busy_has_not_tried() {
    let bus = bus();
    let busy = Arc::new(AtomicU32::new(6));
    let handler = {
        let busy = busy.clone();
        by(move |_| {
            let is_busy = busy
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_ok();
            std::future::ready(match is_busy {
                true => Err(HandleError::Busy(Fault::Overloaded)),
                false => Ok(()),
            })
        })
    };
    let _listener = subscribe(&bus, spec("a"), handler);
    publish(&bus, "a", "patient").await.unwrap();
    until(|| queue(&bus).handled == 1).await;
    assert_eq!((queue(&bus).dead, busy.load(Relaxed)), (0, 0));
    assert_eq!(queue(&bus).failed, 0);
}
