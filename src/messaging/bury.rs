//! What happens to a message that is given up: who listens to dead letters hears of it, the
//! operator can look at it, and the log says so.

use std::sync::Arc;

use super::bus::LocalBus;
use super::listener::Listener;
use super::publish::Handing;
use super::queue::{Entry, NoRoom, Offer};
use super::warnings::Warnings;
use crate::core::{
    BusAnswer, BusFuture, DeadLetter, DeadLetters, HandleError, Message, PublishError, Publisher,
    RedeliverError, Spread, Timestamp, Topic,
};

impl LocalBus {
    pub(super) fn bury(&self, listener: &Arc<Listener>, entry: &Entry, error: &HandleError) {
        self.letters.count_one();
        let letter = DeadLetter {
            id: 0,
            when: Timestamp::now(),
            subscription: listener.subscription.clone(),
            error: error.to_string(),
            attempts: entry.attempts,
            message: entry.message.clone(),
        };
        warn(&letter, &self.warnings);
        if entry.is_letter {
            // The message that it is about is kept already, and another letter would be a loop.
            return;
        }
        let message = announce(&letter, self.spec.load().dead_letters.clone());
        self.letters.keep(letter, Arc::downgrade(listener));
        let route = self.routes.load().of_topic(&message.topic);
        if !route.is_empty() {
            let mut entry = self.entry(message, None);
            entry.is_letter = true;
            Handing::out(entry).give_all(&route, Spread::Shared, &mut |_, _| {});
        }
    }

    fn offer_again(
        &self,
        listener: &Arc<Listener>,
        letter: &DeadLetter,
    ) -> Result<(), RedeliverError> {
        // The operator's will, and not what the request has caused.
        self.caused.forget(letter.message.origin.id);
        let entry = self.entry_of(letter.message.clone(), None);
        match listener.offer(&entry, NoRoom::GoOn) {
            Offer::Taken(_) => Ok(()),
            Offer::Full => Err(listener.is_full().into()),
            Offer::Draining => Err(PublishError::Draining.into()),
            Offer::Closed => Err(RedeliverError::Gone(letter.subscription.subscriber.clone())),
        }
    }

    fn give_back(&self, id: u64) -> Result<(), RedeliverError> {
        let taken = self.letters.take(id);
        let (letter, from) = taken.ok_or(RedeliverError::Unknown(id))?;
        let result = match self.listener_like(&from, &letter.subscription) {
            Some(listener) => self.offer_again(&listener, &letter),
            None => Err(RedeliverError::Gone(letter.subscription.subscriber.clone())),
        };
        if result.is_err() {
            self.letters.put_back(letter, from);
        }
        result
    }
}

impl DeadLetters for LocalBus {
    fn dead_letters(&self, limit: usize) -> BusAnswer<'_, Vec<DeadLetter>> {
        Box::pin(async move { self.letters.list(limit) })
    }

    fn redeliver(&self, id: u64) -> BusFuture<'_, (), RedeliverError> {
        Box::pin(async move { self.give_back(id) })
    }

    fn discard(&self, id: u64) -> BusAnswer<'_, bool> {
        Box::pin(async move { self.letters.take(id).is_some() })
    }
}

/// The message, and why it was given up. As deep as it was, so that a receiver that sends it
/// on again and again comes to an end.
fn announce(letter: &DeadLetter, topic: Topic) -> Message {
    let message = &*letter.message;
    let told = [
        ("airgate-topic", message.topic.to_string()),
        (
            "airgate-subscriber",
            letter.subscription.subscriber.to_string(),
        ),
        ("airgate-attempts", letter.attempts.to_string()),
        ("airgate-error", letter.error.clone()),
    ];
    let mut metadata = message.metadata.clone();
    metadata.retain(|(key, _)| told.iter().all(|(name, _)| key != name));
    metadata.extend(told.map(|(name, value)| (name.to_owned(), value)));
    Message {
        topic,
        metadata,
        publisher: Publisher::Gateway,
        reply_to: None,
        ..message.clone()
    }
}

/// For the operator.
fn warn(letter: &DeadLetter, warnings: &Warnings) {
    if let Some(others) = warnings.may() {
        tracing::warn!(
            topic = %letter.message.topic,
            subscriber = %letter.subscription.subscriber,
            attempts = letter.attempts,
            error = ?letter.error,
            others,
            "a message was given up"
        );
    }
}
