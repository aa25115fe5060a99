//! What is not taken just now waits in its place, and costs nobody else theirs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::support::*;
use crate::core::{
    Fault, HandleError, MessageBus as _, MessageOutcome, Overflow, Spread, SubscriptionSpec,
};

const BUSY: HandleError = HandleError::Busy(Fault::Overloaded);

#[tokio::test(start_paused = true)]
async fn nothing_passes_a_message_that_its_component_does_not_take() {
    for why in [BUSY, HandleError::Stopped] {
        let (bus, counted) = counted_bus();
        let door = Door::closed(why);
        let _listener = subscribe(&bus, spec("a"), door.handler());
        for number in 0..100 {
            publish(&bus, "a", &number.to_string()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(
            (50..200).contains(&door.tries()),
            "one, about once a second: {}",
            door.tries()
        );
        assert_eq!((queue(&bus).waiting, queue(&bus).delayed), (100, 1));
        door.open();
        tokio::time::sleep(Duration::from_millis(1_010)).await;
        let bodies: Vec<_> = door.taken().into_iter().map(|it| it.0).collect();
        let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(bodies, expected);
        let queue = queue(&bus);
        assert_eq!((queue.handled, queue.failed, queue.dead), (100, 0, 0));
        assert_eq!(counted.of(MessageOutcome::Deferred), door.tries());
    }
}

#[tokio::test(start_paused = true)]
async fn when_one_is_taken_the_others_do_not_wait_out_their_pauses() {
    let bus = bus();
    let door = Door::closed(BUSY);
    let _listener = subscribe(&bus, spec("a"), door.handler());
    for publisher in 0..200 {
        let message = from(publisher, message("a", ""));
        bus.publish(message, Spread::Shared).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    door.open();
    until(|| queue(&bus).handled == 200).await;
    let times: Vec<_> = door.taken().into_iter().map(|it| it.1).collect();
    let spread = times[199] - times[0];
    assert!(spread < Duration::from_millis(5), "{spread:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_in_vain_waits_its_time_out() {
    let bus = bus();
    let tries = Arc::new(AtomicU64::new(0));
    let handler = {
        let tries = tries.clone();
        by(move |delivery| {
            let is_stuck = body(&delivery.message) == "stuck";
            std::future::ready(match is_stuck {
                true => {
                    tries.fetch_add(1, Ordering::SeqCst);
                    Err(BUSY)
                }
                false => Ok(()),
            })
        })
    };
    let _listener = subscribe(&bus, spec("*"), handler);
    publish(&bus, "stuck", "stuck").await.unwrap();
    for _ in 0..10_000 {
        publish(&bus, "others", "good").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(queue(&bus).handled, 10_000);
    let tries = tries.load(Ordering::SeqCst);
    assert!((10..60).contains(&tries), "{tries} in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_comes_back_behind_what_holds_its_lane() {
    let bus = bus();
    let (failed, closed) = (AtomicBool::new(false), AtomicBool::new(false));
    let (taken, state) = (Arc::new(Mutex::new(Vec::new())), Arc::new((failed, closed)));
    let handler = {
        let (taken, state) = (taken.clone(), state.clone());
        by(move |delivery| {
            let text = body(&delivery.message);
            let is_first = text == "fails" && !state.0.swap(true, Ordering::SeqCst);
            state.1.fetch_or(is_first, Ordering::SeqCst);
            std::future::ready(match (is_first, state.1.load(Ordering::SeqCst)) {
                (true, _) => Err(HandleError::Refused("once".into())),
                (false, true) => Err(BUSY),
                (false, false) => {
                    taken.lock().unwrap().push(text);
                    Ok(())
                }
            })
        })
    };
    let _listener = subscribe(&bus, spec("a"), handler);
    for body in ["fails", "second", "third"] {
        publish(&bus, "a", body).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((queue(&bus).waiting, queue(&bus).failed), (3, 1));
    state.1.store(false, Ordering::SeqCst);
    idle(&bus).await;
    assert_eq!(*taken.lock().unwrap(), ["second", "fails", "third"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_again_is_as_old_as_it_was_and_makes_room_first() {
    for (error, is_deferred) in [(BUSY, true), (HandleError::Refused("no".into()), false)] {
        let bus = bus();
        let begun = Recorder::closed_after(0);
        let inner = begun.handler();
        let handler = by(move |delivery| {
            let (error, is_old) = (error.clone(), body(&delivery.message) == "old");
            let gate = inner.handle(delivery);
            async move {
                gate.await?;
                match is_old {
                    true => Err(error),
                    false => std::future::pending().await,
                }
            }
        });
        let small = SubscriptionSpec {
            queue: 2.try_into().unwrap(),
            concurrency: 1.try_into().unwrap(),
            overflow: Overflow::DropOldest,
            ..spec("*")
        };
        let _listener = subscribe(&bus, small, handler);
        publish(&bus, "a", "old").await.unwrap();
        until(|| queue(&bus).in_flight == 1).await;
        for topic in ["b", "c"] {
            publish(&bus, topic, topic).await.unwrap();
        }
        begun.pass(2);
        until(|| begun.seen().len() == 2).await;
        assert_eq!((queue(&bus).waiting, queue(&bus).delayed), (2, 1));
        assert_eq!(queue(&bus).failed, u64::from(!is_deferred));
        publish(&bus, "d", "d").await.unwrap();
        let queue = queue(&bus);
        assert_eq!((queue.dropped, queue.waiting, queue.delayed), (1, 2, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn those_behind_one_that_made_room_need_not_wait_for_it() {
    let bus = bus();
    let got = Recorder::open();
    let inner = got.handler();
    let handler = by(move |delivery| {
        let is_first = body(&delivery.message) == "first";
        let handled = inner.handle(delivery);
        async move {
            match is_first {
                true => Err(BUSY),
                false => handled.await,
            }
        }
    });
    let small = SubscriptionSpec {
        queue: 2.try_into().unwrap(),
        overflow: Overflow::DropOldest,
        ..spec("a")
    };
    let _listener = subscribe(&bus, small, handler);
    publish(&bus, "a", "first").await.unwrap();
    until(|| queue(&bus).delayed == 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    for body in ["second", "third"] {
        publish(&bus, "a", body).await.unwrap();
    }
    idle(&bus).await;
    assert_eq!(got.seen(), ["second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_ended_waits_for_its_component_too() {
    let bus = bus();
    let door = Door::closed(HandleError::Stopped);
    let listener = subscribe(&bus, spec("a"), door.handler());
    for body in ["1", "2"] {
        publish(&bus, "a", body).await.unwrap();
    }
    drop(listener);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(queue(&bus).waiting, 2, "it is still shown");
    door.open();
    until(|| door.taken().len() == 2).await;
    assert!(inspect(&bus).subscriptions.is_empty());
    assert_eq!(inspect(&bus).dead, 0);
}
