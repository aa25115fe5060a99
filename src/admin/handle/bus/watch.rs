//! `GET /v1/bus/messages`: messages as they are sent.
//!
//! A watcher never slows anybody down: it takes every message at once and keeps the last of
//! them, [`MOST`] and [`MOST_BYTES`] at the most, until they are sent. What it loses it is told.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;

use super::publish::topic;
use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::handle::live::{self, Source};
use crate::admin::request::Parameters;
use crate::admin::views::MessageView;
use crate::core::{
    Delivery, HandlerFuture, Message, MessageHandler, Overflow, Subscription, SubscriptionSpec,
    Timestamp, TopicPattern, Unsubscribe,
};

/// Messages that a watcher may be behind.
const MOST: usize = 256;
/// Bytes of them.
const MOST_BYTES: usize = 4 << 20;

/// What to listen to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct WatchParameters {
    /// A topic, or many: `*` stands for one token, `>` for the rest.
    #[serde(deserialize_with = "topic")]
    #[schemars(with = "String")]
    topic: TopicPattern,
}

pub(in crate::admin) async fn watch(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<WatchParameters>,
) -> Result<Response, Problem> {
    let heard = Arc::new(Heard::default());
    let subscription = Subscription {
        subscriber: Subscription::WATCHER.into(),
        spec: spec(parameters.topic),
    };
    let bus = shared.node.bus();
    let ears = bus.subscribe(subscription, heard.clone()).await?;
    live::events(shared, Watcher { heard, ears })
}

/// One after the other, so that they come in their order; none of them is ever tried again.
fn spec(topic: TopicPattern) -> SubscriptionSpec {
    SubscriptionSpec {
        concurrency: NonZeroU32::MIN,
        attempts: NonZeroU32::MIN,
        overflow: Overflow::DropOldest,
        ..SubscriptionSpec::to(topic)
    }
}

struct Watcher {
    heard: Arc<Heard>,
    #[expect(dead_code, reason = "ends the subscription with the connection")]
    ears: Unsubscribe,
}

impl Source for Watcher {
    async fn next(&mut self) -> Option<Event> {
        Some(match self.heard.next().await {
            Told::Message(message, at) => {
                // Texts and numbers can always be written.
                let data = serde_json::to_string(&MessageView::new(&message, at));
                let data = data.unwrap_or_default();
                Event::default().event("message").data(data)
            }
            Told::Lagged(missed) => live::lagged(missed),
        })
    }
}

#[derive(Debug)]
enum Told {
    Message(Arc<Message>, Timestamp),
    /// So many are lost to this watcher, before those that it is told next.
    Lagged(u64),
}

/// What was heard and is not told yet.
#[derive(Default)]
struct Heard {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<(Arc<Message>, Timestamp)>,
    bytes: usize,
    missed: u64,
}

impl MessageHandler for Heard {
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        self.waiting().push(delivery.message);
        self.news.notify_one();
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Heard {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Told {
        loop {
            let told = self.waiting().pop();
            match told {
                Some(told) => return told,
                None => self.news.notified().await,
            }
        }
    }
}

impl Waiting {
    fn push(&mut self, message: Arc<Message>) {
        self.bytes += message.weight();
        self.messages.push_back((message, Timestamp::now()));
        while self.messages.len() > MOST || self.bytes > MOST_BYTES {
            let Some((oldest, _)) = self.messages.pop_front() else {
                return;
            };
            self.bytes -= oldest.weight();
            self.missed += 1;
        }
    }

    fn pop(&mut self) -> Option<Told> {
        if self.missed > 0 {
            return Some(Told::Lagged(std::mem::take(&mut self.missed)));
        }
        let (message, at) = self.messages.pop_front()?;
        self.bytes -= message.weight();
        Some(Told::Message(message, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Origin, Publisher};

    fn delivery(body: Vec<u8>) -> Delivery {
        let topic = "orders.created".parse().unwrap();
        let message = Message::new(topic, body.into(), Publisher::Gateway, Origin::NONE);
        Delivery {
            message: message.into(),
            attempt: 1,
        }
    }

    async fn bodies(heard: &Heard, count: usize) -> Vec<u8> {
        let mut bodies = Vec::new();
        for _ in 0..count {
            match heard.next().await {
                Told::Message(message, _) => bodies.push(message.body[0]),
                Told::Lagged(missed) => panic!("{missed} are lost"),
            }
        }
        bodies
    }

    #[tokio::test]
    async fn messages_are_told_in_their_order() {
        let heard = Arc::new(Heard::default());
        let listener = heard.clone();
        let told = tokio::spawn(async move { bodies(&listener, 3).await });
        for number in 1..=3 {
            heard.handle(delivery(vec![number])).await.unwrap();
        }
        assert_eq!(told.await.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn who_is_slow_loses_the_oldest_and_hears_how_many() {
        let heard = Heard::default();
        for number in 0..=255 {
            heard.handle(delivery(vec![number])).await.unwrap();
        }
        heard.handle(delivery(vec![7])).await.unwrap();
        heard.handle(delivery(vec![8])).await.unwrap();
        let told = heard.next().await;
        assert!(matches!(told, Told::Lagged(2)), "{told:?}");
        assert_eq!(bodies(&heard, 2).await, [2, 3]);
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes() {
        let heard = Heard::default();
        for _ in 0..20 {
            heard.handle(delivery(vec![0; 1 << 20])).await.unwrap();
        }
        let waiting = heard.waiting();
        assert!(waiting.bytes <= MOST_BYTES && waiting.messages.len() == 3);
        assert_eq!(waiting.missed, 17);
    }
}
