//! A node that ends: nothing new, and nothing lost without a word.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::support::*;
use crate::core::{
    Fault, HandleError, MessageBus as _, PublishError, Spread, SubscribeError, Subscription,
};

#[tokio::test(start_paused = true)]
async fn drain_waits_for_what_waits_and_runs() {
    let bus = bus();
    let recorder = Recorder::closed_after(0);
    let _listener = subscribe(&bus, spec("a"), recorder.handler());
    for body in ["1", "2"] {
        publish(&bus, "a", body).await.unwrap();
    }
    let mut drain = bus.drain();
    let early = tokio::time::timeout(Duration::from_secs(60), &mut drain).await;
    assert!(early.is_err());
    assert_eq!(publish(&bus, "a", "3").await, Err(PublishError::Draining));
    assert_eq!(
        ask(&bus, message("a", "3")).await,
        Err(PublishError::Draining.into())
    );
    recorder.pass(2);
    drain.await;
    assert_eq!(recorder.seen(), ["1", "2"]);
    let late = Subscription {
        subscriber: "late".into(),
        spec: spec("a"),
    };
    assert!(matches!(
        bus.subscribe(late, sleeper()).await,
        Err(SubscribeError::Draining)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_handlers_cause_is_still_taken() {
    let bus = bus();
    let last = Recorder::open();
    let _last = subscribe(&bus, spec("last"), last.handler());
    let (weak, gate) = (Arc::downgrade(&bus), Recorder::closed_after(0));
    let inner = gate.handler();
    let sending = by(move |delivery| {
        let (bus, gate) = (weak.upgrade().unwrap(), inner.handle(delivery.clone()));
        async move {
            gate.await?;
            let depth = delivery.message.origin.depth + 1;
            let sent = bus
                .publish(deep(depth, message("last", "word")), Spread::Shared)
                .await;
            assert_eq!(sent.unwrap().receivers, 1);
            let asked = deep(depth, message("echo", "answer"));
            assert_eq!(ask(&bus, asked).await.unwrap(), ["answer"]);
            Ok(())
        }
    });
    let _first = subscribe(&bus, spec("first"), sending);
    let _echo = subscribe(&bus, spec("echo"), echo(&bus));
    publish(&bus, "first", "").await.unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.pass(1);
    };
    tokio::join!(bus.drain(), release);
    assert_eq!(last.seen(), ["word"]);
    assert_eq!(inspect(&bus).dead, 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_try_gets_it_at_once_and_is_then_given_up() {
    let bus = bus();
    let handler = by(|delivery| {
        let is_good = body(&delivery.message) == "good" && delivery.attempt == 2;
        std::future::ready(match is_good {
            true => Ok(()),
            false => Err(HandleError::Refused("not now".into())),
        })
    });
    let mut patient = spec("*");
    patient.backoff.first = Duration::from_secs(1_000);
    patient.backoff.most = Duration::from_secs(1_000);
    let _listener = subscribe(&bus, patient, handler);
    for (topic, body) in [("a", "good"), ("b", "bad")] {
        publish(&bus, topic, body).await.unwrap();
    }
    until(|| queue(&bus).delayed == 2).await;
    let began = Instant::now();
    publish(&bus, "c", "bad").await.unwrap();
    bus.drain().await;
    assert!(began.elapsed() < Duration::from_secs(1));
    let queue = queue(&bus);
    assert_eq!((queue.handled, queue.dead, queue.delayed), (1, 2, 0));
    assert!(
        dead_letters(&bus, 9)
            .iter()
            .all(|letter| letter.attempts == 2)
    );
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_waits_as_long_as_the_drain_lasts() {
    let bus = bus();
    let door = Door::closed(HandleError::Busy(Fault::Overloaded));
    let _listener = subscribe(&bus, spec("a"), door.handler());
    for body in ["1", "2", "3"] {
        publish(&bus, "a", body).await.unwrap();
    }
    let mut drain = bus.drain();
    let early = tokio::time::timeout(Duration::from_secs(20), &mut drain).await;
    assert!(early.is_err());
    let waiting = queue(&bus);
    assert_eq!((waiting.waiting, waiting.dead, waiting.failed), (3, 0, 0));
    door.open();
    let began = Instant::now();
    drain.await;
    assert!(began.elapsed() < Duration::from_millis(200));
    let bodies: Vec<_> = door.taken().into_iter().map(|it| it.0).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_component_left_is_given_up_and_does_not_hold_up_the_end() {
    let bus = bus();
    let door = Door::closed(HandleError::Stopped);
    let _listener = subscribe(&bus, spec("a"), door.handler());
    for number in 0..100 {
        publish(&bus, "a", &number.to_string()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let began = Instant::now();
    bus.drain().await;
    assert!(began.elapsed() < Duration::from_millis(10));
    let queue = queue(&bus);
    assert_eq!((queue.dead, queue.failed, queue.waiting), (100, 0, 0));
    let letters = dead_letters(&bus, 100);
    assert!(letters.iter().all(|letter| letter.attempts == 0));
}

#[tokio::test(start_paused = true)]
async fn a_bus_with_nothing_to_do_is_drained_at_once() {
    let bus = bus();
    let _listener = subscribe(&bus, spec("a"), sleeper());
    bus.drain().await;
}
