//! What a feed remembers: the last messages, as they are told, for all its listeners at once.
//!
//! Bounded in messages and bytes, whatever the number of listeners: each of them has a cursor
//! and copies a piece at a time. Who is too slow finds that the ring has gone on, and is told
//! how many messages it has missed. Nobody who listens ever holds up who publishes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::encode;
use super::position::{Beginning, Position};
use crate::core::{Message, RequestId};

/// Listeners at once.
const LISTENERS: usize = 1_000;
/// Bytes that a listener takes at a time; so much it has beside the ring.
pub(super) const PIECE: usize = 16 << 10;

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub messages: usize,
    pub bytes: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            messages: 1_024,
            bytes: 4 << 20,
        }
    }
}

/// The history of one feed.
pub(crate) struct Ring {
    epoch: u64,
    memory: Memory,
    /// Whoever appends; apart from `kept`, so that listeners need not wait while a message is
    /// put into words.
    writer: Mutex<()>,
    kept: Mutex<Kept>,
    changed: Notify,
    places: Arc<Semaphore>,
}

struct Kept {
    events: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// The number of the first event, or of the next one where there is none.
    first: u64,
    closed: bool,
}

impl Kept {
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn push(&mut self, event: Box<[u8]>, memory: Memory) {
        self.bytes += event.len();
        self.events.push_back(event);
        while self.events.len() > memory.messages || self.bytes > memory.bytes {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
            self.first += 1;
        }
    }
}

/// What a listener reads next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    sequence: u64,
    /// In the event, of which the beginning has been read.
    offset: usize,
}

impl Cursor {
    fn at(sequence: u64) -> Self {
        Self {
            sequence,
            offset: 0,
        }
    }
}

impl Ring {
    pub(super) fn new(memory: Memory) -> Arc<Self> {
        Arc::new(Self {
            // Half of an id is drawn for the process, so that no other one has the same.
            epoch: RequestId::next().spread(),
            memory,
            writer: Mutex::default(),
            kept: Mutex::new(Kept {
                events: VecDeque::new(),
                bytes: 0,
                first: 1,
                closed: false,
            }),
            changed: Notify::new(),
            places: Arc::new(Semaphore::new(LISTENERS)),
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self, sequence: u64) -> Position {
        Position {
            epoch: self.epoch,
            sequence,
        }
    }

    /// Remembers a message, and forgets what there is no room for any more. One that is larger
    /// than all that can be remembered is told as missed.
    pub(super) fn append(&self, message: &Message) {
        let _alone = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let position = self.position(self.kept().next());
        let event = encode::message(position, message, self.memory.bytes);
        let event = event.unwrap_or_else(|| encode::gap(position, Some(1)));
        self.kept().push(event.into_boxed_slice(), self.memory);
        self.changed.notify_waiters();
    }

    /// Sends all listeners away.
    pub(super) fn close(&self) {
        self.kept().closed = true;
        self.changed.notify_waiters();
    }

    /// Done when something has been appended, or when the ring is closed.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// A listener's place; `None` where all are taken.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Where a listener stands, and what it is told before anything else.
    pub(super) fn begin(&self, beginning: Beginning) -> (Cursor, Vec<u8>) {
        let next = self.kept().next();
        let now = |words: Vec<u8>| (Cursor::at(next), words);
        let here = self.position(next - 1);
        let mut preamble = encode::preamble(here);
        match beginning {
            Beginning::Now => now(preamble),
            Beginning::After(last) if last.epoch == self.epoch && last.sequence < next => {
                (Cursor::at(last.sequence + 1), encode::preamble(last))
            }
            Beginning::After(_) | Beginning::Lost => {
                preamble.extend(encode::gap(here, None));
                now(preamble)
            }
        }
    }

    /// The next piece for a listener, whose cursor goes on.
    pub(super) fn read(&self, cursor: &mut Cursor) -> Reading {
        let kept = self.kept();
        if kept.closed {
            return Reading::End;
        }
        if cursor.sequence < kept.first {
            if cursor.offset > 0 {
                return Reading::End;
            }
            let missed = kept.first - cursor.sequence;
            *cursor = Cursor::at(kept.first);
            return Reading::Piece(encode::gap(self.position(kept.first - 1), Some(missed)));
        }
        let mut piece = Vec::new();
        let at = (cursor.sequence - kept.first) as usize;
        for event in kept.events.range(at.min(kept.events.len())..) {
            let rest = &event[cursor.offset..];
            let room = PIECE - piece.len();
            if rest.len() > room {
                piece.extend_from_slice(&rest[..room]);
                cursor.offset += room;
                break;
            }
            piece.extend_from_slice(rest);
            *cursor = Cursor::at(cursor.sequence + 1);
        }
        match piece.is_empty() {
            true => Reading::Nothing,
            false => Reading::Piece(piece),
        }
    }
}

/// What a listener finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Piece(Vec<u8>),
    /// It has read all there is.
    Nothing,
    /// The feed is no more, or the event of which the listener has read the beginning has been
    /// forgotten. Half an event is none to who reads it; it comes back and is told of a gap.
    End,
}

#[cfg(test)]
mod tests;
