//! A request ends with replies or an error, never with silence.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::support::*;
use crate::core::{
    Fault, HandleError, Message, MessageBus as _, MessageHandler, MessageOutcome, PublishError,
    RequestError, Spread, SubscriptionSpec, Topic,
};

/// Counts the handlers that were stopped or are done.
struct Ends(Arc<AtomicUsize>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Never returns; counts those that were stopped.
fn counted_sleeper() -> (Arc<AtomicUsize>, Arc<dyn MessageHandler>) {
    let ended = Arc::new(AtomicUsize::new(0));
    let counter = ended.clone();
    let handler = by(move |_| {
        let ends = Ends(counter.clone());
        async move {
            let _ends = ends;
            std::future::pending().await
        }
    });
    (ended, handler)
}

#[tokio::test(start_paused = true)]
async fn a_reply_comes_back_and_nothing_is_left() {
    let (bus, counted) = counted_bus();
    let _echo = subscribe(&bus, spec("echo"), echo(&bus));
    assert_eq!(
        ask(&bus, message("echo", "hello")).await.unwrap(),
        ["hello"]
    );
    assert_eq!(inspect(&bus).requests, 0);
    let queue = queue(&bus);
    assert_eq!((queue.handled, queue.in_flight, queue.waiting), (1, 0, 0));
    assert_eq!(counted.of(MessageOutcome::Handled), 1);
}

#[tokio::test(start_paused = true)]
async fn several_replies_come_from_several_receivers() {
    let bus = bus();
    let _echoes = [(); 3].map(|()| subscribe(&bus, spec("echo"), echo(&bus)));
    let group = [(); 2].map(|()| subscribe(&bus, in_group("*", "one"), echo(&bus)));
    assert_eq!(
        ask_for(4, &bus, message("echo", "x")).await.unwrap().len(),
        4
    );
    // There are no more than these, and it does not wait for others.
    let began = Instant::now();
    assert_eq!(
        ask_for(9, &bus, message("echo", "x")).await.unwrap().len(),
        4
    );
    assert!(began.elapsed() < Duration::from_secs(1));
    drop(group);
    assert_eq!(
        ask_for(2, &bus, message("echo", "x")).await.unwrap().len(),
        2
    );
    idle(&bus).await;
    assert_eq!(inspect(&bus).requests, 0);
}

#[tokio::test(start_paused = true)]
async fn one_receiver_may_reply_more_than_once() {
    let bus = bus();
    let weak = Arc::downgrade(&bus);
    let outcomes: Arc<Mutex<Vec<bool>>> = Arc::default();
    let seen = outcomes.clone();
    let handler = by(move |delivery| {
        let (bus, seen) = (weak.upgrade().unwrap(), seen.clone());
        async move {
            for number in 0..4 {
                let sent = reply(&bus, &delivery, &number.to_string()).await;
                seen.lock().unwrap().push(sent.is_ok());
            }
            Ok(())
        }
    });
    let _listener = subscribe(&bus, spec("a"), handler);
    assert_eq!(
        ask_for(3, &bus, message("a", "")).await.unwrap(),
        ["0", "1", "2"]
    );
    assert_eq!(*outcomes.lock().unwrap(), [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_there_is_an_error_at_once() {
    let bus = bus();
    assert_eq!(
        ask(&bus, message("a", "")).await,
        Err(RequestError::NoReceiver)
    );
}

#[tokio::test(start_paused = true)]
async fn who_returns_without_a_reply_ends_the_request() {
    let bus = bus();
    let quiet = Recorder::open();
    let one = subscribe(&bus, spec("a"), quiet.handler());
    let began = Instant::now();
    assert_eq!(
        ask(&bus, message("a", "")).await,
        Err(RequestError::NoReply)
    );
    let _other = subscribe(&bus, spec("a"), quiet.handler());
    assert_eq!(
        ask(&bus, message("a", "")).await,
        Err(RequestError::NoReply)
    );
    drop(one);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn who_fails_ends_the_request_and_is_not_asked_again() {
    let (bus, counted) = counted_bus();
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = tries.clone();
    let failing = by(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Err(HandleError::Fault(Fault::Trap)))
    });
    let _listener = subscribe(&bus, spec("a"), failing.clone());
    let trapped = Err(RequestError::Failed(HandleError::Fault(Fault::Trap)));
    assert_eq!(ask(&bus, message("a", "")).await, trapped);
    let _quiet = subscribe(&bus, spec("a"), Recorder::open().handler());
    assert_eq!(ask(&bus, message("a", "")).await, trapped);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(counted.of(MessageOutcome::Failed), 2);
    assert!(dead_letters(&bus, 9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_ends_the_request() {
    let bus = bus();
    let panicking = by(|_| async { panic!("a bug") });
    let _listener = subscribe(&bus, spec("a"), panicking);
    let internal = Err(RequestError::Failed(HandleError::Fault(Fault::Internal)));
    assert_eq!(ask(&bus, message("a", "")).await, internal);
    assert_eq!(queue(&bus).in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_it_and_stops_its_handlers() {
    let bus = bus();
    let (ended, sleeping) = counted_sleeper();
    let _one = subscribe(&bus, spec("a"), sleeping.clone());
    assert_eq!(
        ask(&bus, message("a", "")).await,
        Err(RequestError::TimedOut)
    );
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    let _other = subscribe(&bus, spec("a"), sleeping);
    assert_eq!(
        ask(&bus, message("a", "")).await,
        Err(RequestError::TimedOut)
    );
    until(|| ended.load(Ordering::SeqCst) == 3).await;
    idle(&bus).await;
    // What came before it counts.
    let _echo = subscribe(&bus, spec("a"), echo(&bus));
    assert_eq!(ask_for(3, &bus, message("a", "x")).await.unwrap(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_stops_the_handler_and_takes_back_what_waits() {
    let (bus, counted) = counted_bus();
    let (ended, sleeping) = counted_sleeper();
    let one_at_a_time = SubscriptionSpec {
        concurrency: 1.try_into().unwrap(),
        ..spec("a")
    };
    let _one = subscribe(&bus, one_at_a_time, sleeping);
    let asking = || Box::pin(ask(&bus, message("a", "")));
    let (mut runs, mut waits) = (asking(), asking());
    let brief = Duration::from_millis(10);
    assert!(tokio::time::timeout(brief, &mut runs).await.is_err());
    assert!(tokio::time::timeout(brief, &mut waits).await.is_err());
    assert_eq!((queue(&bus).in_flight, queue(&bus).waiting), (1, 1));
    drop(waits);
    assert_eq!(queue(&bus).waiting, 0);
    drop(runs);
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert_eq!(queue(&bus).in_flight, 0);
    assert_eq!(inspect(&bus).requests, 0);
    assert_eq!(counted.of(MessageOutcome::Failed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_has_replied_runs_to_its_end() {
    let bus = bus();
    let done = Arc::new(AtomicUsize::new(0));
    let (weak, counter) = (Arc::downgrade(&bus), done.clone());
    let handler = by(move |delivery| {
        let (bus, done) = (weak.upgrade().unwrap(), counter.clone());
        async move {
            // The second of two comes too late.
            _ = reply(&bus, &delivery, "early").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let _one = subscribe(&bus, spec("a"), handler.clone());
    assert_eq!(ask(&bus, message("a", "")).await.unwrap(), ["early"]);
    assert_eq!((done.load(Ordering::SeqCst), queue(&bus).in_flight), (0, 1));
    until(|| done.load(Ordering::SeqCst) == 1).await;
    let _other = subscribe(&bus, spec("a"), handler);
    assert_eq!(ask(&bus, message("a", "")).await.unwrap(), ["early"]);
    bus.drain().await;
    assert_eq!(done.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn replies_need_no_place_in_a_queue() {
    let bus = bus();
    let tiny = SubscriptionSpec {
        queue: 1.try_into().unwrap(),
        concurrency: 2.try_into().unwrap(),
        ..spec(">")
    };
    let (sleeping, answering) = (sleeper(), echo(&bus));
    let handler = by(move |delivery| match delivery.message.reply_to {
        Some(_) => answering.handle(delivery),
        None => sleeping.handle(delivery),
    });
    let _listener = subscribe(&bus, tiny, handler);
    bus.publish(from(1, message("a", "")), Spread::Shared)
        .await
        .unwrap();
    until(|| queue(&bus).in_flight == 1).await;
    bus.publish(from(1, message("a", "")), Spread::Shared)
        .await
        .unwrap();
    assert!(publish(&bus, "a", "").await.is_err());
    // A request does: there is no seat while something waits.
    assert!(ask(&bus, message("a", "x")).await.is_err());
    let _echo = subscribe(&bus, spec("b"), echo(&bus));
    assert_eq!(ask(&bus, message("b", "x")).await.unwrap(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_may_come_from_the_deepest_handler() {
    let bus = bus();
    let weak = Arc::downgrade(&bus);
    let deepest = by(move |delivery| {
        let bus = weak.upgrade().unwrap();
        async move {
            let reply = Message {
                topic: delivery.message.reply_to.clone().unwrap(),
                ..deep(16, message("any", "deep"))
            };
            bus.publish(reply, Spread::Shared).await.unwrap();
            Ok(())
        }
    });
    let _listener = subscribe(&bus, spec("a"), deepest);
    assert_eq!(
        ask(&bus, deep(15, message("a", ""))).await.unwrap(),
        ["deep"]
    );
}

#[tokio::test(start_paused = true)]
async fn reply_addresses_are_secrets_that_end() {
    let bus = bus();
    let addresses: Arc<Mutex<Vec<Topic>>> = Arc::default();
    let (seen, answering) = (addresses.clone(), echo(&bus));
    let handler = by(move |delivery| {
        seen.lock()
            .unwrap()
            .push(delivery.message.reply_to.clone().unwrap());
        answering.handle(delivery)
    });
    let spy = Recorder::open();
    let _spies = [">", "*.*", "*.>"].map(|it| subscribe(&bus, spec(it), spy.handler()));
    let _listener = subscribe(&bus, spec("a"), handler);
    for _ in 0..2 {
        // The spy that listens to everything gets the request, and never the reply.
        assert_eq!(ask(&bus, message("a", "x")).await.unwrap(), ["x"]);
    }
    idle(&bus).await;
    assert_eq!(spy.seen(), ["x", "x"]);
    let addresses = addresses.lock().unwrap().clone();
    assert_ne!(addresses[0], addresses[1]);
    assert!(
        addresses
            .iter()
            .all(|it| it.as_str().len() == "_INBOX.".len() + 32)
    );
    assert!(addresses[0].as_str().parse::<Topic>().is_err());
    let late = Message {
        topic: addresses[0].clone(),
        ..message("a", "late")
    };
    assert_eq!(
        bus.publish(late, Spread::Shared).await,
        Err(PublishError::NoRequester)
    );
}

#[tokio::test(start_paused = true)]
async fn requests_keep_to_the_concurrency() {
    let bus = bus();
    let two = SubscriptionSpec {
        concurrency: 2.try_into().unwrap(),
        ..spec("a")
    };
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (answering, high) = (echo(&bus), most.clone());
    let handler = by(move |delivery| {
        let (running, most) = (running.clone(), high.clone());
        let answer = answering.handle(delivery);
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            answer.await
        }
    });
    let _listener = subscribe(&bus, two, handler);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let bus = bus.clone();
        asking.spawn(async move { ask(&bus, from(number, message("a", "x"))).await });
    }
    assert!(asking.join_all().await.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
