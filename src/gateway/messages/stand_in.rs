//! A bus for tests: it hands messages over where they are published, and keeps what it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;

use crate::core::{
    BusAnswer, BusFuture, Delivery, Inspection, Message, MessageBus, MessageHandler, Origin,
    PublishError, Publisher, Receipt, RequestError, RequestOptions, Spread, SubscribeError,
    Subscription, Unsubscribe,
};

/// How a request ends.
pub(super) enum Ending {
    With(Box<Result<Message, RequestError>>),
    Never,
}

type Subscribed = (usize, Subscription, Arc<dyn MessageHandler>);

#[derive(Default)]
pub(super) struct StandIn {
    me: Weak<Self>,
    next: AtomicUsize,
    subscribed: Mutex<Vec<Subscribed>>,
    pub published: Mutex<Vec<Message>>,
    pub deadlines: Mutex<Vec<Instant>>,
    /// Of the next request; none: nobody listens.
    pub ending: Mutex<Option<Ending>>,
    /// Of the next message.
    pub refusal: Mutex<Option<PublishError>>,
    /// Requests whose future was dropped before its end.
    pub cancelled: Arc<AtomicUsize>,
    pub most_subscriptions: Option<usize>,
}

impl StandIn {
    pub fn new() -> Arc<Self> {
        Self::with(None)
    }

    pub fn with(most_subscriptions: Option<usize>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            most_subscriptions,
            ..Self::default()
        })
    }

    pub fn dynamic(self: &Arc<Self>) -> Arc<dyn MessageBus> {
        self.clone()
    }

    pub fn subscriptions(&self) -> Vec<Subscription> {
        let subscribed = self.subscribed.lock().unwrap();
        subscribed.iter().map(|(_, it, _)| it.clone()).collect()
    }

    /// Hands a message over to everybody who listens to its topic.
    pub fn deliver(&self, message: Message) -> u32 {
        let message = Arc::new(message);
        let subscribed = self.subscribed.lock().unwrap();
        let matching = subscribed
            .iter()
            .filter(|(_, it, _)| it.spec.topic.matches(&message.topic));
        let handled = matching.map(|(_, _, handler)| {
            let message = message.clone();
            let delivery = Delivery {
                message,
                attempt: 1,
            };
            handler.handle(delivery).now_or_never().unwrap().unwrap();
        });
        handled.count() as u32
    }
}

pub(super) fn message(topic: &str, body: impl Into<Bytes>) -> Message {
    let topic = topic.parse().unwrap();
    Message::new(topic, body.into(), Publisher::Gateway, Origin::NONE)
}

/// Counts what is dropped before its end.
struct Running {
    cancelled: Arc<AtomicUsize>,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let cancelled = usize::from(!self.ended);
        self.cancelled.fetch_add(cancelled, Ordering::Relaxed);
    }
}

impl MessageBus for StandIn {
    fn publish(&self, message: Message, _: Spread) -> BusFuture<'_, Receipt, PublishError> {
        Box::pin(async move {
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            self.published.lock().unwrap().push(message.clone());
            let receivers = self.deliver(message);
            Ok(Receipt { receivers })
        })
    }

    fn request(
        &self,
        message: Message,
        options: RequestOptions,
    ) -> BusFuture<'_, Vec<Message>, RequestError> {
        Box::pin(async move {
            let mut running = Running {
                cancelled: self.cancelled.clone(),
                ended: false,
            };
            self.published.lock().unwrap().push(message);
            self.deadlines.lock().unwrap().push(options.deadline);
            let ending = self.ending.lock().unwrap().take();
            let reply = match ending {
                Some(Ending::With(reply)) => *reply,
                Some(Ending::Never) => std::future::pending().await,
                None => Err(RequestError::NoReceiver),
            };
            running.ended = true;
            reply.map(|reply| vec![reply])
        })
    }

    fn subscribe(
        &self,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
    ) -> BusFuture<'_, Unsubscribe, SubscribeError> {
        Box::pin(async move { self.take_in(subscription, handler) })
    }

    fn inspect(&self) -> BusAnswer<'_, Inspection> {
        Box::pin(async { Inspection::default() })
    }

    fn drain(&self) -> BusAnswer<'_, ()> {
        Box::pin(async {})
    }
}

impl StandIn {
    fn take_in(
        &self,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
    ) -> Result<Unsubscribe, SubscribeError> {
        let mut subscribed = self.subscribed.lock().unwrap();
        if let Some(most) = self.most_subscriptions
            && subscribed.len() >= most
        {
            return Err(SubscribeError::TooMany(most));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        subscribed.push((number, subscription, handler));
        let me = self.me.clone();
        Ok(Unsubscribe::by(move || {
            if let Some(me) = me.upgrade() {
                let mut subscribed = me.subscribed.lock().unwrap();
                subscribed.retain(|(it, ..)| *it != number);
            }
        }))
    }
}
