//! Everything at once, on several threads: nothing is lost, and nothing counted twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::support::*;
use crate::core::{
    Backoff, Delivery, HandleError, MessageBus as _, MessageHandler, MessageOutcome, PublishError,
    Spread, SubscriptionSpec,
};
use crate::messaging::LocalBus;

/// Handles, waits, fails or panics, by the number that it gets.
fn moody(bus: &Arc<LocalBus>) -> Arc<dyn MessageHandler> {
    let bus = Arc::downgrade(bus);
    by(move |delivery: Delivery| {
        let number: u64 = body(&delivery.message).parse().unwrap();
        let bus = bus.upgrade().unwrap();
        async move {
            match number % 55 {
                0 | 11 | 22 | 33 => tokio::time::sleep(Duration::from_micros(number % 500)).await,
                1 | 12 | 23 | 34 => tokio::task::yield_now().await,
                2 | 13 => return Err(HandleError::Refused("not now".into())),
                3 => return Err(HandleError::Hopeless("never".into())),
                4 => panic!("a bug"),
                _ => {}
            }
            if delivery.message.reply_to.is_some() {
                // Who asked may have gone.
                _ = reply(&bus, &delivery, "done").await;
            }
            Ok(())
        }
    })
}

/// Publishes, and answers how many were taken.
async fn publisher(bus: Arc<LocalBus>, connection: u64) -> u64 {
    let mut taken = 0;
    for number in 0..3_000u64 {
        let topic = format!("work.{}", number % 5);
        let message = from(connection, message(&topic, &number.to_string()));
        match bus.publish(message, Spread::Shared).await {
            Ok(receipt) => taken += u64::from(receipt.receivers),
            Err(PublishError::QueueFull(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    taken
}

/// Asks, and cancels every other time before there is an answer; publishes nothing.
async fn requester(bus: Arc<LocalBus>, connection: u64) -> u64 {
    for number in 0..1_000u64 {
        let message = from(connection, message("ask", &number.to_string()));
        let asking = ask(&bus, message);
        if number % 2 == 0 {
            let brief = Duration::from_micros(number % 50);
            _ = tokio::time::timeout(brief, asking).await;
        } else {
            _ = asking.await;
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_counted_twice() {
    let (bus, counted) = counted_bus();
    let quick = Backoff {
        first: Duration::from_millis(1),
        most: Duration::from_millis(4),
    };
    let members = ["work.*", "work.>", "work.*"].map(|pattern| SubscriptionSpec {
        queue: 100.try_into().unwrap(),
        concurrency: 4.try_into().unwrap(),
        backoff: quick,
        ..in_group(pattern, "workers")
    });
    let members = members.map(|spec| subscribe(&bus, spec, moody(&bus)));
    let asked = SubscriptionSpec {
        concurrency: 2.try_into().unwrap(),
        ..spec("ask")
    };
    let _asked = subscribe(&bus, asked, moody(&bus));
    let mut tasks = JoinSet::new();
    for connection in 0..4 {
        tasks.spawn(requester(bus.clone(), connection));
        tasks.spawn(publisher(bus.clone(), connection));
    }
    let taken: u64 = tasks.join_all().await.iter().sum();
    drop(members);
    bus.drain().await;
    let requests = inspect(&bus).subscriptions[0].queue;
    assert_eq!(
        (requests.waiting, requests.in_flight, requests.dead),
        (0, 0, 0)
    );
    assert_eq!(requests.handled + requests.failed, 4_000);
    assert_eq!(inspect(&bus).requests, 0);
    let ends = [MessageOutcome::Handled, MessageOutcome::DeadLettered];
    let ended: u64 = ends.iter().map(|outcome| counted.of(*outcome)).sum();
    assert_eq!(ended - requests.handled, taken);
    assert_eq!(counted.of(MessageOutcome::DeadLettered), inspect(&bus).dead);
}
