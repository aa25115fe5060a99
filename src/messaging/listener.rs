//! One subscription: its queue, its handler, and what is counted for it.
//!
//! What it costs others is bounded by its queue: whoever sends only puts a message there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::activity::Activity;
use super::bus::LocalBus;
use super::chance::Chance;
use super::handling::Handling;
use super::queue::{Entry, NoRoom, Offer, Queue, Running, Settled, Ticket};
use super::warnings::Warnings;
use crate::core::{
    Backoff, Delivery, Fault, HandleError, MessageHandler, MessageOutcome, PublishError,
    Subscription, SubscriptionObserver, SubscriptionState,
};

/// Of what a component does not take just now: it is tried soon, since it may be over at once, and
/// often enough to be there when it takes messages again.
const DEFERRAL: Backoff = Backoff {
    first: Duration::from_millis(20),
    most: Duration::from_secs(1),
};
/// The same on a node that ends, and has no time.
const WHILE_DRAINING: Backoff = Backoff {
    first: Duration::from_millis(10),
    most: Duration::from_millis(100),
};
/// Between two lines of the log about messages that wait for who takes none.
const REMINDER: Duration = Duration::from_secs(30);

/// Who gets messages.
pub struct Listener {
    pub id: u64,
    pub subscription: Subscription,
    handler: Arc<dyn MessageHandler>,
    observer: Arc<dyn SubscriptionObserver>,
    queue: Mutex<Queue>,
    /// Waiting in the upper half, running in the lower: for who chooses among several.
    load: AtomicU64,
    /// A pause that ends before the one that is waited for.
    pub(super) sooner: Notify,
    pub(super) runtime: Handle,
    activity: Arc<Activity>,
    bus: Weak<LocalBus>,
    chance: Chance,
    overflows: Warnings,
    deferrals: Warnings,
}

impl Listener {
    pub fn new(
        id: u64,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
        bus: &LocalBus,
    ) -> Self {
        Self {
            id,
            handler,
            observer: bus.observer.subscription(&subscription),
            queue: Mutex::new(Queue::new(&subscription.spec)),
            subscription,
            load: AtomicU64::new(0),
            sooner: Notify::new(),
            runtime: bus.runtime.clone(),
            activity: bus.activity.clone(),
            bus: bus.me.clone(),
            chance: Chance::default(),
            overflows: Warnings::default(),
            deferrals: Warnings::every(REMINDER),
        }
    }

    /// The only way to the queue: keeps what others see of it up to date.
    pub(super) fn with_queue<R>(&self, work: impl FnOnce(&mut Queue) -> R) -> R {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let was_idle = queue.is_idle();
        let result = work(&mut queue);
        self.load.store(queue.load(), Ordering::Relaxed);
        match (was_idle, queue.is_idle()) {
            (true, false) => self.activity.begin(),
            (false, true) => self.activity.end(),
            _ => {}
        }
        result
    }

    /// How little there is reason to choose it: without room, and by what it has to do.
    pub fn load(&self) -> (bool, u64) {
        let load = self.load.load(Ordering::Relaxed);
        let (waiting, running) = (load >> 32, load & u64::from(u32::MAX));
        let is_full = waiting >= u64::from(self.subscription.spec.queue.get());
        (is_full, waiting + running)
    }

    /// Offers it a copy of the entry.
    pub fn offer(self: &Arc<Self>, entry: &Entry, no_room: NoRoom) -> Offer {
        let mut dropped = Vec::new();
        let (offer, wants_pump) = self.with_queue(|queue| {
            let offer = queue.offer(entry, no_room, &mut dropped);
            let wants_pump = matches!(offer, Offer::Taken(_)) && queue.wants_pump();
            (offer, wants_pump)
        });
        if wants_pump {
            self.start_pump();
        }
        let has_dropped = !dropped.is_empty();
        for entry in dropped {
            self.observer.count(MessageOutcome::Dropped);
            if let Some(inbox) = entry.inbox {
                inbox.done(Some(HandleError::Fault(Fault::Overloaded)));
            }
        }
        let is_rejected = matches!(offer, Offer::Full) && no_room == NoRoom::Overflow;
        if is_rejected {
            self.observer.count(MessageOutcome::Rejected);
        }
        if is_rejected || has_dropped {
            self.warn_of_overflow();
        }
        offer
    }

    fn warn_of_overflow(&self) {
        let Some(others) = self.overflows.may() else {
            return;
        };
        let Subscription { subscriber, spec } = &self.subscription;
        let (topic, overflow) = (&spec.topic, spec.overflow);
        tracing::warn!(%subscriber, %topic, ?overflow, others, "a queue is full");
    }

    /// What a sender hears of a full queue.
    pub fn is_full(&self) -> PublishError {
        PublishError::QueueFull(self.subscription.spec.topic.clone())
    }

    /// A request takes its copy back that waits still.
    pub fn withdraw(&self, ticket: Ticket) {
        if self.with_queue(|queue| queue.withdraw(ticket)).is_some() {
            self.observer.count(MessageOutcome::Failed);
        }
    }

    pub(super) fn handling(&self, entry: &Entry) -> Handling {
        let delivery = Delivery {
            message: entry.message.clone(),
            attempt: entry.attempts,
        };
        Handling::of(&*self.handler, delivery)
    }

    /// A pump's entry has ended; the next one for it.
    pub(super) fn settle(
        self: &Arc<Self>,
        Running { entry, lane }: Running,
        result: Result<(), HandleError>,
        now: Instant,
    ) -> Option<Running> {
        let inbox = entry.inbox.clone();
        let (settled, error) = self.judge(entry, result, now);
        let is_paused = matches!(settled, Settled::Again(..) | Settled::Deferred(..));
        let (next, wants_pump) =
            self.with_queue(|queue| (queue.settle(lane, settled), queue.wants_pump()));
        if wants_pump {
            // For those whose pause this one has ended.
            self.start_pump();
        }
        if is_paused {
            self.watch_pauses();
        }
        if let Some(inbox) = inbox {
            inbox.done(error);
        }
        next
    }

    /// A request's handler has ended in the task of who asked.
    pub(super) fn settle_seat(
        self: &Arc<Self>,
        Running { entry, lane }: Running,
        result: Result<(), HandleError>,
        now: Instant,
    ) {
        let inbox = entry.inbox.clone();
        let (settled, error) = self.judge(entry, result, now);
        let wants_pump = self.with_queue(|queue| {
            queue.settle_seat(lane, settled);
            queue.wants_pump()
        });
        if wants_pump {
            self.start_pump();
        }
        if let Some(inbox) = inbox {
            inbox.done(error);
        }
    }

    /// What becomes of an entry, counted.
    fn judge(
        self: &Arc<Self>,
        entry: Entry,
        result: Result<(), HandleError>,
        now: Instant,
    ) -> (Settled, Option<HandleError>) {
        let Err(error) = result else {
            self.observer.count(MessageOutcome::Handled);
            let latency = now.saturating_duration_since(entry.taken);
            self.observer.handled_after(latency);
            return (Settled::Handled, None);
        };
        let error = bounded(error);
        if entry.inbox.is_some() {
            self.observer.count(MessageOutcome::Failed);
            return (Settled::Failed, Some(error));
        }
        let settled = match &error {
            HandleError::Busy(_) => self.defer(entry, &error),
            HandleError::Stopped if !self.activity.is_draining() => self.defer(entry, &error),
            // Nobody starts it again for a node that ends.
            HandleError::Stopped => self.give_up(untried(entry), &error, false),
            HandleError::Hopeless(_) => self.give_up(entry, &error, true),
            HandleError::Refused(_) | HandleError::Fault(_) => self.try_again(entry, &error),
        };
        (settled, None)
    }

    /// It waits at the head of its lane, and that is no try.
    fn defer(&self, entry: Entry, error: &HandleError) -> Settled {
        self.observer.count(MessageOutcome::Deferred);
        self.warn_of_deferral(error);
        let mut entry = untried(entry);
        entry.deferrals = entry.deferrals.saturating_add(1);
        let pauses = match self.activity.is_draining() {
            true => WHILE_DRAINING,
            false => DEFERRAL,
        };
        let pause = pauses.pause(entry.deferrals, self.chance.draw());
        Settled::Deferred(entry, after(pause))
    }

    fn warn_of_deferral(&self, error: &HandleError) {
        let Some(others) = self.deferrals.may() else {
            return;
        };
        let Subscription { subscriber, spec } = &self.subscription;
        let (topic, waiting) = (&spec.topic, self.load.load(Ordering::Relaxed) >> 32);
        tracing::warn!(%subscriber, %topic, waiting, %error, others, "messages have to wait");
    }

    /// Later, and aside, or never.
    fn try_again(self: &Arc<Self>, mut entry: Entry, error: &HandleError) -> Settled {
        let spec = &self.subscription.spec;
        // A node that drains has no time for pauses: one more try at once, and no other.
        let attempts = match self.activity.is_draining() {
            true => spec.attempts.get().min(2),
            false => spec.attempts.get(),
        };
        if entry.attempts >= attempts {
            return self.give_up(entry, error, true);
        }
        self.observer.count(MessageOutcome::Retried);
        (entry.deferrals, entry.was_woken) = (0, false);
        let pause = spec.backoff.pause(entry.attempts, self.chance.draw());
        Settled::Again(entry, after(pause))
    }

    fn give_up(self: &Arc<Self>, entry: Entry, error: &HandleError, was_tried: bool) -> Settled {
        self.observer.count(MessageOutcome::DeadLettered);
        if let Some(bus) = self.bus.upgrade() {
            bus.bury(self, &entry, error);
        }
        Settled::Dead { was_tried }
    }

    /// Takes nothing new; what waits is still handled.
    pub fn close(&self) {
        self.with_queue(Queue::close);
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        self.with_queue(|queue| queue.is_idle())
    }

    /// Takes only what a message caused, and waits for nothing.
    pub fn drain(self: &Arc<Self>) {
        self.with_queue(Queue::drain);
        self.sooner.notify_one();
        self.start_pumps();
    }

    pub fn state(&self) -> SubscriptionState {
        let (is_ending, queue) = self.with_queue(|queue| (queue.is_closed(), queue.state()));
        SubscriptionState {
            subscription: self.subscription.clone(),
            is_ending,
            queue,
        }
    }
}

/// The handler has not had it.
fn untried(mut entry: Entry) -> Entry {
    entry.attempts = entry.attempts.saturating_sub(1);
    entry
}

/// The end of a pause; one without an end is a day long.
fn after(pause: Duration) -> tokio::time::Instant {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let now = tokio::time::Instant::now();
    now.checked_add(pause).unwrap_or_else(|| now + DAY)
}

/// Texts of handlers are kept and passed on: not whole books.
fn bounded(error: HandleError) -> HandleError {
    const MOST: usize = 1024;
    let cut = |mut text: String| {
        text.truncate(text.floor_char_boundary(MOST));
        text
    };
    match error {
        HandleError::Refused(text) => HandleError::Refused(cut(text)),
        HandleError::Hopeless(text) => HandleError::Hopeless(cut(text)),
        HandleError::Fault(fault) => HandleError::Fault(fault),
        HandleError::Busy(fault) => HandleError::Busy(fault),
        HandleError::Stopped => HandleError::Stopped,
    }
}
