//! Messages of one publisher on one topic keep their order; others do not wait for them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::support::*;
use crate::core::{Fault, HandleError, MessageBus as _, Spread, SubscriptionSpec};

/// What was handled, by its publisher and topic.
type Handled = Arc<Mutex<HashMap<String, Vec<usize>>>>;

/// Sends numbered messages of several publishers to a subscription that handles 16 at once,
/// each in its own time; what was handled, and how many at once at the most.
async fn handled(sent: &[(u64, u8, u64)]) -> (HashMap<String, Vec<usize>>, usize) {
    let bus = bus();
    let (handled, running, most) = (Handled::default(), Arc::default(), Arc::default());
    let handler = {
        let (handled, running, most) = (handled.clone(), running, Arc::clone(&most));
        let refused: Arc<Mutex<HashSet<String>>> = Arc::default();
        by(move |delivery| {
            let (handled, refused) = (handled.clone(), refused.clone());
            let (running, most): (Arc<AtomicUsize>, Arc<AtomicUsize>) =
                (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let text = body(&delivery.message);
                let mut parts = text.split(' ');
                let [key, number, pause] = [(); 3].map(|()| parts.next().unwrap());
                let pause: u64 = pause.parse().unwrap();
                // Some are not taken at first.
                if pause % 5 == 4 && refused.lock().unwrap().insert(number.to_owned()) {
                    running.fetch_sub(1, Ordering::SeqCst);
                    return Err(HandleError::Busy(Fault::Overloaded));
                }
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let number = number.parse().unwrap();
                handled
                    .lock()
                    .unwrap()
                    .entry(key.to_owned())
                    .or_default()
                    .push(number);
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        })
    };
    let _listener = subscribe(&bus, spec("t.*"), handler);
    for (number, (publisher, topic, pause)) in sent.iter().enumerate() {
        let text = format!("{publisher}/{topic} {number} {pause}");
        let message = from(*publisher, message(&format!("t.{topic}"), &text));
        bus.publish(message, Spread::Shared).await.unwrap();
        if number % 7 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    bus.drain().await;
    let handled = handled.lock().unwrap().clone();
    (handled, most.load(Ordering::SeqCst))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_publisher_is_heard_in_its_order(
        sent in prop::collection::vec((0..6u64, 0..4u8, 0..20u64), 1..300),
        threads in 1..3usize,
    ) {
        let mut runtime = match threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        if threads == 1 {
            runtime.start_paused(true);
        }
        let runtime = runtime.worker_threads(threads).enable_all().build().unwrap();
        let (handled, most) = runtime.block_on(handled(&sent));
        prop_assert_eq!(handled.values().map(Vec::len).sum::<usize>(), sent.len());
        for (key, numbers) in handled {
            prop_assert!(numbers.is_sorted(), "{}: {:?}", key, numbers);
        }
        prop_assert!(most <= 16);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ordered_is_handled_side_by_side() {
    let sent: Vec<_> = (0..100).map(|publisher| (publisher, 0, 5)).collect();
    assert_eq!(handled(&sent).await.1, 16);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_is_stuck_does_not_hold_up_another() {
    let bus = bus();
    let recorder = Recorder::open();
    let inner = recorder.handler();
    let handler = by(move |delivery| {
        let handled = inner.handle(delivery.clone());
        async move {
            match body(&delivery.message).as_str() {
                "stuck" => std::future::pending().await,
                _ => handled.await,
            }
        }
    });
    let two = SubscriptionSpec {
        concurrency: 2.try_into().unwrap(),
        ..spec("a")
    };
    let _listener = subscribe(&bus, two, handler);
    for (publisher, body) in [(1, "stuck"), (1, "behind"), (2, "other"), (3, "third")] {
        let message = from(publisher, message("a", body));
        bus.publish(message, Spread::Shared).await.unwrap();
    }
    until(|| recorder.seen().len() == 2).await;
    assert_eq!(recorder.seen(), ["other", "third"]);
    assert_eq!(queue(&bus).waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_what_its_publisher_sent_before() {
    let bus = bus();
    let recorder = Recorder::closed_after(0);
    let (inner, echo) = (recorder.handler(), echo(&bus));
    let handler = by(move |delivery| {
        let (first, second) = (inner.handle(delivery.clone()), echo.clone());
        async move {
            first.await?;
            match delivery.message.reply_to {
                Some(_) => second.handle(delivery).await,
                None => Ok(()),
            }
        }
    });
    let _listener = subscribe(&bus, spec("a"), handler);
    publish(&bus, "a", "first").await.unwrap();
    let release = async {
        until(|| queue(&bus).waiting == 1).await;
        assert_eq!(recorder.seen(), ["first"]);
        recorder.pass(2);
    };
    let (answer, ()) = tokio::join!(ask(&bus, message("a", "second")), release);
    assert_eq!(answer.unwrap(), ["second"]);
    assert_eq!(recorder.seen(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_publisher_run_side_by_side() {
    let bus = bus();
    let recorder = Recorder::closed_after(0);
    let _listener = subscribe(&bus, spec("a"), recorder.handler());
    let both = async {
        tokio::join!(
            ask(&bus, message("a", "first")),
            ask(&bus, message("a", "second"))
        )
    };
    let seen = until(|| recorder.seen().len() == 2);
    tokio::select! {
        _ = both => panic!("nobody has passed them"),
        () = seen => {}
    }
}
