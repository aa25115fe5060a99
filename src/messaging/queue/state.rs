//! The queue of one subscription: its bounds, who may take from it, and what is counted.
//!
//! Bounded by the subscription's messages and bytes. What could not be handled and waits counts
//! in them; it comes back even where its place was taken meanwhile, so that there can be as many
//! more as are handled at once. It is as old as it was, for `drop-oldest`.

use tokio::time::Instant;

use super::entry::{Entry, NoRoom, Offer, Running, Ticket};
use super::lanes::Lanes;
use super::places::{Pause, Places};
use crate::core::{Overflow, QueueState, SubscriptionSpec};

/// Pauses that end early for each message that was tried: those of a subscription come back
/// quickly when its component does, and what it refuses meanwhile costs no more than that.
const WOKEN: usize = 2;

/// What waits, and what runs.
pub struct Queue {
    messages: u64,
    bytes: u64,
    overflow: Overflow,
    concurrency: u32,
    places: Places,
    lanes: Lanes,
    /// Tasks that take from it, and among them those that have not begun.
    pumps: u32,
    starting: u32,
    /// Handlers that run in the task of who asked.
    inline: u32,
    running: u32,
    closed: bool,
    draining: bool,
    /// Whether a task waits for the next delay to end.
    pub has_clock: bool,
    counts: QueueState,
}

/// What became of an entry whose handler has ended.
pub enum Settled {
    Handled,
    /// It is not tried again, and nobody is told but who asked.
    Failed,
    Dead {
        was_tried: bool,
    },
    /// It was tried, and will be again; others pass it meanwhile.
    Again(Entry, Instant),
    /// It was not tried, and stays the first of its lane.
    Deferred(Entry, Instant),
}

impl Queue {
    pub fn new(spec: &SubscriptionSpec) -> Self {
        Self {
            messages: spec.queue.get().into(),
            bytes: spec.queue_bytes.0,
            overflow: spec.overflow,
            concurrency: spec.concurrency.get(),
            places: Places::default(),
            lanes: Lanes::default(),
            pumps: 0,
            starting: 0,
            inline: 0,
            running: 0,
            closed: false,
            draining: false,
            has_clock: false,
            counts: QueueState::default(),
        }
    }

    /// Takes a copy of the entry, if it may. Those that made room for it are put in `dropped`.
    pub fn offer(&mut self, entry: &Entry, no_room: NoRoom, dropped: &mut Vec<Entry>) -> Offer {
        if self.closed {
            return Offer::Closed;
        }
        if self.refuses(entry.message.origin.depth) && !entry.is_letter {
            return Offer::Draining;
        }
        if !self.has_room(entry.weight) {
            if no_room == NoRoom::GoOn {
                return Offer::Full;
            }
            if !self.make_room(entry.weight, dropped) {
                self.counts.rejected += 1;
                return Offer::Full;
            }
        }
        let key = self.key_of(entry);
        let entry = Entry {
            key,
            ..entry.clone()
        };
        let ticket = self.places.insert(entry, None);
        self.lanes.push(key, ticket.place);
        Offer::Taken(ticket)
    }

    /// A request waits for what its publisher has sent before, and not for other requests.
    fn key_of(&self, entry: &Entry) -> u64 {
        match entry.alone {
            Some(alone) if !self.lanes.knows(entry.key) => alone,
            _ => entry.key,
        }
    }

    /// Nothing new is taken.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn refuses(&self, depth: u8) -> bool {
        self.draining && depth == 0
    }

    fn has_room(&self, weight: u64) -> bool {
        self.places.count < self.messages && self.places.bytes + weight <= self.bytes
    }

    fn make_room(&mut self, weight: u64, dropped: &mut Vec<Entry>) -> bool {
        if self.overflow == Overflow::Reject || weight > self.bytes {
            return false;
        }
        while !self.has_room(weight) {
            let Some(entry) = self.places.oldest().and_then(|it| self.take_out(it)) else {
                return false;
            };
            self.counts.dropped += 1;
            dropped.push(entry);
        }
        true
    }

    fn take_out(&mut self, place: u32) -> Option<Entry> {
        let (entry, pause) = self.places.remove(place)?;
        if pause != Some(Pause::Aside) {
            self.lanes.withdraw(entry.key, place);
        }
        Some(entry)
    }

    /// Takes back what waits still.
    pub fn withdraw(&mut self, ticket: Ticket) -> Option<Entry> {
        match self.places.is_at(ticket) {
            true => {
                self.counts.failed += 1;
                self.take_out(ticket.place)
            }
            false => None,
        }
    }

    /// A place beside the queue, for who asks and handles in one: where nothing waits and
    /// nothing of the same key runs.
    pub fn seat(&mut self, entry: &Entry, depth: u8) -> Option<u32> {
        let nothing_waits = self.places.count == self.places.paused();
        let may = !self.closed && !self.refuses(depth) && self.has_free_hand();
        if !may || !nothing_waits {
            return None;
        }
        let lane = self.lanes.seize(self.key_of(entry))?;
        self.inline += 1;
        self.running += 1;
        Some(lane)
    }

    fn has_free_hand(&self) -> bool {
        self.pumps + self.inline < self.concurrency
    }

    /// Whether another pump is to be started; it counts as one already.
    pub fn wants_pump(&mut self) -> bool {
        let wants = self.lanes.ready() > self.starting && self.has_free_hand();
        if wants {
            self.pumps += 1;
            self.starting += 1;
        }
        wants
    }

    /// The first entry for a pump that begins.
    pub fn begin(&mut self) -> Option<Running> {
        self.starting -= 1;
        self.next()
    }

    /// The next entry for a pump; `None` ends it.
    fn next(&mut self) -> Option<Running> {
        let next = self.lanes.take().and_then(|(lane, place)| {
            let (mut entry, _) = self.places.remove(place)?;
            entry.attempts += 1;
            Some(Running { entry, lane })
        });
        match next {
            Some(_) => self.running += 1,
            None => self.pumps -= 1,
        }
        next
    }

    /// What a pump took has ended; the next one for it.
    pub fn settle(&mut self, lane: u32, settled: Settled) -> Option<Running> {
        self.record(lane, settled);
        self.next()
    }

    /// What was handled in a seat has ended.
    pub fn settle_seat(&mut self, lane: u32, settled: Settled) {
        self.record(lane, settled);
        self.inline -= 1;
    }

    fn record(&mut self, lane: u32, settled: Settled) {
        self.running -= 1;
        match settled {
            Settled::Handled => {
                self.counts.handled += 1;
                self.wake();
            }
            Settled::Failed => self.counts.failed += 1,
            Settled::Dead { was_tried } => {
                self.counts.failed += u64::from(was_tried);
                self.counts.dead += 1;
            }
            Settled::Again(entry, due) => {
                self.counts.failed += 1;
                self.put_back(entry, due);
                self.wake();
            }
            Settled::Deferred(entry, due) => return self.put_first(lane, entry, due),
        }
        self.lanes.release(lane);
    }

    fn put_back(&mut self, entry: Entry, due: Instant) {
        let key = entry.key;
        match self.draining {
            false => _ = self.places.insert(entry, Some((Pause::Aside, due))),
            true => {
                let ticket = self.places.insert(entry, None);
                self.lanes.come_back(key, ticket.place);
            }
        }
    }

    fn put_first(&mut self, lane: u32, mut entry: Entry, due: Instant) {
        let pause = match std::mem::take(&mut entry.was_woken) {
            true => Pause::Firm,
            false => Pause::First,
        };
        let ticket = self.places.insert(entry, Some((pause, due)));
        self.lanes.hold(lane, ticket.place);
    }

    fn wake(&mut self) {
        for _ in 0..WOKEN {
            let Some(key) = self.places.wake() else {
                return;
            };
            self.lanes.let_go(key);
        }
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.places.next_due()
    }

    /// Pauses that are over by then; `None`: all of them.
    pub fn end_pauses(&mut self, until: Option<Instant>) {
        for pause in [Pause::First, Pause::Firm] {
            while let Some((key, _)) = self.places.end_pause(pause, until) {
                self.lanes.let_go(key);
            }
        }
        while let Some((key, place)) = self.places.end_pause(Pause::Aside, until) {
            self.lanes.come_back(key, place);
        }
    }

    /// Takes nothing new; what waits is still handled.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Takes only what a message caused, and ends all pauses; what was tried has none any more.
    pub fn drain(&mut self) {
        self.draining = true;
        self.end_pauses(None);
    }

    pub fn is_idle(&self) -> bool {
        self.places.count == 0 && self.running == 0
    }

    /// Waiting in the upper half, running in the lower.
    pub fn load(&self) -> u64 {
        self.places.count.min(u64::from(u32::MAX)) << 32 | u64::from(self.running)
    }

    pub fn state(&self) -> QueueState {
        QueueState {
            waiting: self.places.count,
            waiting_bytes: self.places.bytes,
            in_flight: self.running.into(),
            delayed: self.places.paused(),
            ..self.counts
        }
    }
}
