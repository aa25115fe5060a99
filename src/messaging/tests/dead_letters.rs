//! What becomes of messages that were given up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::support::*;
use crate::core::DeadLetters as _;
use crate::core::RedeliverError;
use crate::core::{
    BusSpec, ByteSize, HandleError, Message, MessageBounds, MessageBus as _, MessageHandler,
    Publisher, Spread, SubscriptionSpec,
};
use crate::messaging::{LocalBus, MOST_LETTERS};

fn hopeless() -> Arc<dyn MessageHandler> {
    by(|_| std::future::ready(Err(HandleError::Hopeless("not json".into()))))
}

/// All messages of a topic.
fn listen(bus: &LocalBus, pattern: &str) -> (Arc<Mutex<Vec<Message>>>, impl Drop + use<>) {
    let got: Arc<Mutex<Vec<Message>>> = Arc::default();
    let handler = {
        let got = got.clone();
        by(move |delivery| {
            got.lock().unwrap().push(Message::clone(&delivery.message));
            std::future::ready(Ok(()))
        })
    };
    (got, subscribe(bus, spec(pattern), handler))
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_tells_what_happened() {
    let bus = bus();
    let (letters, _listening) = listen(&bus, "airgate.dead-letters");
    let text = "é".repeat(1_000);
    let refusing = by(move |_| std::future::ready(Err(HandleError::Refused(text.clone()))));
    let _listener = subscribe(&bus, spec("orders.*"), refusing);
    let metadata = [("colour", "red"), ("airgate-topic", "a lie")];
    let sent = Message {
        content_type: Some("application/json".into()),
        metadata: metadata
            .map(|(key, value)| (key.into(), value.into()))
            .into(),
        ..from(7, deep(3, message("orders.created", "{")))
    };
    bus.publish(sent, Spread::Shared).await.unwrap();
    until(|| !letters.lock().unwrap().is_empty()).await;
    let letter = letters.lock().unwrap()[0].clone();
    assert_eq!(body(&letter), "{");
    assert_eq!(letter.content_type.as_deref(), Some("application/json"));
    assert_eq!(
        (letter.publisher.clone(), letter.origin.depth),
        (Publisher::Gateway, 3)
    );
    assert_eq!(letter.entry("colour"), Some("red"));
    assert_eq!(letter.entry("airgate-topic"), Some("orders.created"));
    assert_eq!(letter.entry("airgate-subscriber"), Some("test"));
    assert_eq!(letter.entry("airgate-attempts"), Some("5"));
    let error = letter.entry("airgate-error").unwrap();
    assert!(error.starts_with("the handler refused it: éé") && error.len() < 1_100);
    assert_eq!(letter.metadata.len(), 5);
    let kept = &dead_letters(&bus, 9)[0];
    assert_eq!(body(&kept.message), "{");
    assert_eq!((kept.attempts, &*kept.subscription.subscriber), (5, "test"));
    assert_eq!(kept.message.entry("airgate-topic"), Some("a lie"));
}

#[tokio::test(start_paused = true)]
async fn dead_letters_follow_the_policy() {
    let bus = bus();
    let dead_letters = topic("my.letters");
    bus.set_spec(BusSpec {
        dead_letters,
        ..BusSpec::default()
    });
    let (letters, _listening) = listen(&bus, "my.letters");
    let _listener = subscribe(&bus, spec("a"), hopeless());
    publish(&bus, "a", "").await.unwrap();
    until(|| letters.lock().unwrap().len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_fails_is_not_told_about_again() {
    let bus = bus();
    let _all = subscribe(&bus, spec(">"), hopeless());
    publish(&bus, "a", "").await.unwrap();
    until(|| queue(&bus).dead == 2).await;
    idle(&bus).await;
    assert_eq!(queue(&bus).dead, 2, "the message, and the letter about it");
    assert_eq!(dead_letters(&bus, 9).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_sends_dead_letters_back_comes_to_an_end() {
    let bus = bus();
    let _listener = subscribe(&bus, spec("a"), hopeless());
    let again = {
        let bus = Arc::downgrade(&bus);
        by(move |delivery| {
            let bus = bus.upgrade().unwrap();
            async move {
                let depth = delivery.message.origin.depth + 1;
                _ = bus
                    .publish(deep(depth, message("a", "again")), Spread::Shared)
                    .await;
                Ok(())
            }
        })
    };
    let _again = subscribe(&bus, spec("airgate.dead-letters"), again);
    publish(&bus, "a", "").await.unwrap();
    until(|| queue(&bus).dead == 17).await;
    idle(&bus).await;
    // From depth 0 to 16.
    assert_eq!(queue(&bus).dead, 17);
}

#[tokio::test(start_paused = true)]
async fn letters_are_kept_in_bounds_the_newest_first() {
    let bus = bus();
    let roomy = MessageBounds {
        body: ByteSize(64 << 20),
        ..MessageBounds::default()
    };
    bus.set_spec(BusSpec {
        bounds: roomy,
        ..BusSpec::default()
    });
    let wide = SubscriptionSpec {
        queue_bytes: ByteSize(64 << 20),
        ..spec("a")
    };
    let _listener = subscribe(&bus, wide, hopeless());
    for number in 0..MOST_LETTERS + 5 {
        publish(&bus, "a", &number.to_string()).await.unwrap();
        if number % 100 == 0 {
            idle(&bus).await;
        }
    }
    idle(&bus).await;
    let letters = dead_letters(&bus, usize::MAX);
    assert_eq!(letters.len(), MOST_LETTERS);
    assert_eq!(body(&letters[0].message), (MOST_LETTERS + 4).to_string());
    assert_eq!(inspect(&bus).dead, MOST_LETTERS as u64 + 5);
    assert_eq!(dead_letters(&bus, 3).len(), 3);
    for _ in 0..20 {
        publish(&bus, "a", &"x".repeat(1 << 20)).await.unwrap();
        idle(&bus).await;
    }
    assert_eq!(dead_letters(&bus, usize::MAX).len(), 15);
    publish(&bus, "a", &"x".repeat(17 << 20)).await.unwrap();
    idle(&bus).await;
    assert!(dead_letters(&bus, usize::MAX).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_letter_goes_back_to_the_one_it_came_from() {
    let bus = bus();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mending = {
        let is_mended = is_mended.clone();
        by(move |_| {
            let is_mended = is_mended.load(Ordering::SeqCst);
            std::future::ready(match is_mended {
                true => Ok(()),
                false => Err(HandleError::Hopeless("not yet".into())),
            })
        })
    };
    let _listener = subscribe(&bus, spec("a"), mending);
    let (others, _other) = listen(&bus, "a");
    publish(&bus, "a", "x").await.unwrap();
    idle(&bus).await;
    let id = dead_letters(&bus, 1)[0].id;
    is_mended.store(true, Ordering::SeqCst);
    bus.redeliver(id).await.unwrap();
    idle(&bus).await;
    assert_eq!((queue(&bus).handled, queue(&bus).dead), (1, 1));
    assert_eq!(others.lock().unwrap().len(), 1);
    assert_eq!(bus.redeliver(id).await, Err(RedeliverError::Unknown(id)));
}

#[tokio::test(start_paused = true)]
async fn a_letter_whose_subscription_is_gone_stays_until_it_is_discarded() {
    let bus = bus();
    let listener = subscribe(&bus, spec("a"), hopeless());
    publish(&bus, "a", "x").await.unwrap();
    idle(&bus).await;
    drop(listener);
    let id = dead_letters(&bus, 1)[0].id;
    assert_eq!(
        bus.redeliver(id).await,
        Err(RedeliverError::Gone("test".into()))
    );
    // The same subscription made anew, as by a reload, is as good.
    let (got, listener) = listen(&bus, "a");
    bus.redeliver(id).await.unwrap();
    until(|| got.lock().unwrap().len() == 1).await;
    drop(listener);
    assert!(!bus.discard(id).await);
    let _listener = subscribe(&bus, spec("a"), hopeless());
    publish(&bus, "a", "x").await.unwrap();
    idle(&bus).await;
    let id = dead_letters(&bus, 1)[0].id;
    assert!(bus.discard(id).await);
    assert!(dead_letters(&bus, 1).is_empty());
}
