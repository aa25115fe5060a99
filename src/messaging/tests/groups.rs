//! Groups share, others each get a copy.

use super::support::*;
use crate::core::{MessageBus as _, Overflow, PublishError, Spread, SubscriptionSpec};

fn counts(recorders: &[std::sync::Arc<Recorder>]) -> Vec<usize> {
    recorders.iter().map(|it| it.seen().len()).collect()
}

#[tokio::test(start_paused = true)]
async fn members_take_turns_and_others_get_everything() {
    let bus = bus();
    let recorders: Vec<_> = (0..5).map(|_| Recorder::open()).collect();
    let specs = [
        in_group("orders.*", "one"),
        in_group("orders.created", "one"),
        in_group("orders.>", "one"),
        in_group("orders.*", "other"),
        spec("orders.*"),
    ];
    let all = specs.into_iter().zip(&recorders);
    let _kept: Vec<_> = all
        .map(|(spec, it)| subscribe(&bus, spec, it.handler()))
        .collect();
    for _ in 0..30 {
        let receipt = publish(&bus, "orders.created", "").await.unwrap();
        assert_eq!(receipt.receivers, 3);
        idle(&bus).await;
    }
    assert_eq!(counts(&recorders), [10, 10, 10, 30, 30]);
    // Only two members of the first group match this one.
    for _ in 0..10 {
        publish(&bus, "orders.deleted", "").await.unwrap();
        idle(&bus).await;
    }
    assert_eq!(counts(&recorders), [15, 10, 15, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn topics_of_one_message_each_are_shared_too() {
    let bus = bus();
    let recorders: Vec<_> = (0..2).map(|_| Recorder::open()).collect();
    let _kept: Vec<_> = recorders
        .iter()
        .map(|it| subscribe(&bus, in_group("orders.*", "one"), it.handler()))
        .collect();
    for number in 0..100 {
        publish(&bus, &format!("orders.{number}"), "")
            .await
            .unwrap();
        idle(&bus).await;
    }
    assert_eq!(counts(&recorders), [50, 50]);
}

#[tokio::test(start_paused = true)]
async fn who_has_least_to_do_is_preferred() {
    let bus = bus();
    let (stuck, quick) = (Recorder::closed_after(0), Recorder::open());
    let _stuck = subscribe(&bus, in_group("a", "one"), stuck.handler());
    let _quick = subscribe(&bus, in_group("a", "one"), quick.handler());
    for _ in 0..50 {
        publish(&bus, "a", "").await.unwrap();
        let quick = || inspect(&bus).subscriptions[1].queue;
        until(|| quick().waiting + quick().in_flight == 0).await;
    }
    assert!(stuck.seen().len() <= 1);
    assert!(quick.seen().len() >= 49);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_full_when_all_its_members_are() {
    let bus = bus();
    let small = SubscriptionSpec {
        queue: 2.try_into().unwrap(),
        overflow: Overflow::Reject,
        ..in_group("a", "one")
    };
    let _both = [(); 2].map(|()| subscribe(&bus, small.clone(), sleeper()));
    // Of one publisher on one topic one runs at a time, so each has three places.
    let mut taken = 0;
    let refused = loop {
        match publish(&bus, "a", "").await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    assert_eq!(taken, 6);
    assert_eq!(refused, PublishError::QueueFull("a".parse().unwrap()));
    let rejected: u64 = inspect(&bus)
        .subscriptions
        .iter()
        .map(|it| it.queue.rejected)
        .sum();
    assert_eq!(rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_all_members() {
    let bus = bus();
    let recorders: Vec<_> = (0..3).map(|_| Recorder::open()).collect();
    let _kept: Vec<_> = recorders
        .iter()
        .map(|it| subscribe(&bus, in_group("a", "one"), it.handler()))
        .collect();
    let receipt = bus
        .publish(message("a", ""), Spread::Everyone)
        .await
        .unwrap();
    assert_eq!(receipt.receivers, 3);
    idle(&bus).await;
    assert_eq!(counts(&recorders), [1, 1, 1]);
}
