//! Sending a message to who listens to its topic.
//!
//! It takes as long as there are receivers, and never waits for any of them.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Instant;

use super::bus::LocalBus;
use super::inbox::Inbox;
use super::listener::Listener;
use super::queue::{Entry, NoRoom, Offer, Ticket};
use super::route::{Group, Route};
use crate::core::{Message, Origin, PublishError, Receipt, Spread};

impl LocalBus {
    /// What publishing does, without a future around it.
    ///
    /// # Errors
    /// It was not taken, or not by everybody.
    pub fn send(&self, mut message: Message, spread: Spread) -> Result<Receipt, PublishError> {
        self.spec.load().bounds.check(&message)?;
        if message.topic.is_internal() {
            // The way back is never too deep, and never closed.
            return self
                .inboxes
                .reply(message)
                .map(|()| Receipt { receivers: 1 });
        }
        self.admit(&mut message)?;
        let route = self.routes.load().of_topic(&message.topic);
        if route.is_empty() {
            return Ok(Receipt { receivers: 0 });
        }
        self.charge(&message)?;
        let mut handing = Handing::out(self.entry(message, None));
        handing.give_all(&route, spread, &mut |_, _| {});
        if handing.met_nobody() {
            // Who listened then does not any more; somebody may have taken their place.
            let route = self.routes.load().of_topic(&handing.entry.message.topic);
            handing.give_all(&route, spread, &mut |_, _| {});
        }
        handing.result()
    }

    /// Lets a message in that says which request it is for, if it did not.
    pub(super) fn admit(&self, message: &mut Message) -> Result<(), PublishError> {
        let origin = message.origin.identified();
        message.origin = origin;
        if origin.depth > Origin::MAX_DEPTH {
            return Err(PublishError::TooDeep);
        }
        match self.activity.is_draining() && origin.depth == 0 {
            true => Err(PublishError::Draining),
            false => Ok(()),
        }
    }

    pub(super) fn entry(&self, message: Message, inbox: Option<Arc<Inbox>>) -> Entry {
        self.entry_of(Arc::new(message), inbox)
    }

    pub(super) fn entry_of(&self, message: Arc<Message>, inbox: Option<Arc<Inbox>>) -> Entry {
        Entry {
            weight: message.weight() as u64,
            key: self.hasher.hash_one((&message.publisher, &message.topic)),
            alone: message.reply_to.as_ref().map(|it| self.hasher.hash_one(it)),
            message,
            taken: Instant::now(),
            age: 0,
            attempts: 0,
            deferrals: 0,
            was_woken: false,
            inbox,
            is_letter: false,
        }
    }
}

/// Is called with each copy that waits now.
pub type Taken<'a> = dyn FnMut(&Arc<Listener>, Ticket) + 'a;

/// A message that is handed out, and how far that went.
pub struct Handing {
    pub entry: Entry,
    pub receivers: u32,
    error: Option<PublishError>,
}

impl Handing {
    pub fn out(entry: Entry) -> Self {
        Self {
            entry,
            receivers: 0,
            error: None,
        }
    }

    pub fn give_all(&mut self, route: &Route, spread: Spread, taken: &mut Taken<'_>) {
        for listener in &route.everybody {
            self.give(listener, taken);
        }
        for group in &route.groups {
            match spread {
                Spread::Shared => self.share(group, taken),
                Spread::Everyone => {
                    for member in &group.members {
                        self.give(member, taken);
                    }
                }
            }
        }
    }

    fn give(&mut self, listener: &Arc<Listener>, taken: &mut Taken<'_>) {
        self.offer(listener, NoRoom::Overflow, taken);
    }

    /// To whoever has room; where nobody has, the best choice does what its overflow says.
    fn share(&mut self, group: &Group, taken: &mut Taken<'_>) {
        if let [only] = &*group.members {
            return self.give(only, taken);
        }
        let mut full = None;
        for member in group.in_turn() {
            match self.offer(member, NoRoom::GoOn, taken) {
                Outcome::Taken => return,
                Outcome::Full => full = full.or(Some(member)),
                Outcome::Gone => {}
            }
        }
        if let Some(full) = full {
            self.give(full, taken);
        }
    }

    fn offer(
        &mut self,
        listener: &Arc<Listener>,
        no_room: NoRoom,
        taken: &mut Taken<'_>,
    ) -> Outcome {
        // Before it is there: it may be done before this is.
        let inbox = self.entry.inbox.as_deref();
        inbox.inspect(|inbox| inbox.expect());
        let outcome = match listener.offer(&self.entry, no_room) {
            Offer::Taken(ticket) => {
                self.receivers += 1;
                taken(listener, ticket);
                return Outcome::Taken;
            }
            Offer::Full => {
                if no_room == NoRoom::Overflow {
                    self.error = Some(listener.is_full());
                }
                Outcome::Full
            }
            Offer::Draining => {
                self.error = Some(PublishError::Draining);
                Outcome::Gone
            }
            Offer::Closed => Outcome::Gone,
        };
        inbox.inspect(|inbox| inbox.done(None));
        outcome
    }

    /// Nobody took it, and nobody refused it either.
    pub fn met_nobody(&self) -> bool {
        self.receivers == 0 && self.error.is_none()
    }

    /// # Errors
    /// Not everybody took it.
    pub fn result(self) -> Result<Receipt, PublishError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Receipt {
                receivers: self.receivers,
            }),
        }
    }
}

enum Outcome {
    Taken,
    Full,
    /// It ends, or the node does.
    Gone,
}
