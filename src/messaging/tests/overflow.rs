//! A subscriber that is slow costs its queue and no more.

use super::support::*;
use crate::core::{
    ByteSize, MessageOutcome, Overflow, PublishError, RequestError, SubscriptionSpec,
};

fn small(pattern: &str, queue: u32, overflow: Overflow) -> SubscriptionSpec {
    SubscriptionSpec {
        queue: queue.try_into().unwrap(),
        overflow,
        concurrency: 1.try_into().unwrap(),
        ..spec(pattern)
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_tells_the_sender_and_others_get_it_all_the_same() {
    let (bus, counted) = counted_bus();
    let (stuck, other) = (Recorder::closed_after(0), Recorder::open());
    let _stuck = subscribe(&bus, small("a", 2, Overflow::Reject), stuck.handler());
    let _other = subscribe(&bus, spec("*"), other.handler());
    publish(&bus, "a", "1").await.unwrap();
    until(|| queue(&bus).in_flight == 1).await;
    for body in ["2", "3"] {
        publish(&bus, "a", body).await.unwrap();
    }
    let refused = publish(&bus, "a", "4").await;
    assert_eq!(refused, Err(PublishError::QueueFull("a".parse().unwrap())));
    until(|| other.seen().len() == 4).await;
    assert_eq!(queue(&bus).rejected, 1);
    assert_eq!(counted.of(MessageOutcome::Rejected), 1);
    stuck.pass(10);
    idle(&bus).await;
    assert_eq!(stuck.seen(), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_makes_room_where_that_is_wanted() {
    let (bus, counted) = counted_bus();
    let stuck = Recorder::closed_after(0);
    let _stuck = subscribe(&bus, small("*", 2, Overflow::DropOldest), stuck.handler());
    publish(&bus, "a", "1").await.unwrap();
    until(|| queue(&bus).in_flight == 1).await;
    for (topic, body) in [("b", "2"), ("a", "3"), ("b", "4"), ("c", "5")] {
        publish(&bus, topic, body).await.unwrap();
    }
    assert_eq!(queue(&bus).dropped, 2);
    assert_eq!(counted.of(MessageOutcome::Dropped), 2);
    stuck.pass(10);
    idle(&bus).await;
    assert_eq!(stuck.seen(), ["1", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_made_room_is_told() {
    let bus = bus();
    let _stuck = subscribe(&bus, small("a", 1, Overflow::DropOldest), sleeper());
    publish(&bus, "a", "").await.unwrap();
    until(|| queue(&bus).in_flight == 1).await;
    let (answer, _) = tokio::join!(ask(&bus, message("a", "")), publish(&bus, "a", ""));
    assert!(matches!(answer, Err(RequestError::Failed(_))), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_as_well() {
    let bus = bus();
    let body = "x".repeat(1_000);
    let weight = message("a", &body).weight() as u64;
    let spec = SubscriptionSpec {
        queue_bytes: ByteSize(2 * weight),
        ..small("a", 100, Overflow::Reject)
    };
    let _stuck = subscribe(&bus, spec.clone(), sleeper());
    publish(&bus, "a", "").await.unwrap();
    until(|| queue(&bus).in_flight == 1).await;
    for _ in 0..2 {
        publish(&bus, "a", &body).await.unwrap();
    }
    assert!(publish(&bus, "a", "").await.is_err());
    assert_eq!(queue(&bus).waiting_bytes, 2 * weight);
    // What is larger than the whole queue drops nothing in vain.
    let spec = SubscriptionSpec {
        overflow: Overflow::DropOldest,
        ..spec
    };
    let bus = super::support::bus();
    let _stuck = subscribe(&bus, spec, sleeper());
    for _ in 0..3 {
        publish(&bus, "a", &body).await.unwrap();
    }
    assert!(publish(&bus, "a", &"x".repeat(3_000)).await.is_err());
    assert_eq!(queue(&bus).dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_messages_at_a_sleeper_leave_the_others_alone() {
    let bus = bus();
    let awake = Recorder::open();
    let _sleeper = subscribe(&bus, spec("slow"), sleeper());
    let _awake = subscribe(&bus, spec("quick"), awake.handler());
    let body = "x".repeat(1 << 10);
    let mut refused = 0;
    for number in 0..100_000 {
        refused += u32::from(publish(&bus, "slow", &body).await.is_err());
        if number % 100 == 0 {
            publish(&bus, "quick", "").await.unwrap();
            tokio::task::yield_now().await;
        }
    }
    until(|| awake.seen().len() == 1_000).await;
    let queue = queue(&bus);
    assert_eq!((queue.waiting, queue.in_flight), (1024, 1));
    assert_eq!(u64::from(refused), queue.rejected);
    assert_eq!(queue.rejected, 100_000 - 1025);
    assert!(queue.waiting_bytes < 2 << 20);
}
