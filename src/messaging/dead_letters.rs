//! Messages that were given up: kept for the operator, who can look at them, send them to
//! where they came from, or forget them.
//!
//! Bounded in number and bytes: the oldest make room.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use super::listener::Listener;
use crate::core::DeadLetter;

/// Letters that are kept.
pub const MOST_LETTERS: usize = 1_000;
/// Bytes of the letters that are kept, as `Message::weight` counts them.
pub const MOST_BYTES: u64 = 16 << 20;

fn weight(letter: &DeadLetter) -> u64 {
    (letter.message.weight() + letter.error.len()) as u64
}

/// The letters that are kept.
#[derive(Default)]
pub struct Letters {
    kept: Mutex<Kept>,
    count: AtomicU64,
}

#[derive(Default)]
struct Kept {
    /// By their ids.
    letters: VecDeque<(DeadLetter, Weak<Listener>)>,
    bytes: u64,
    id: u64,
}

impl Letters {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages that were given up, kept or not.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn count_one(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Its id is given here.
    pub fn keep(&self, mut letter: DeadLetter, from: Weak<Listener>) {
        let mut kept = self.kept();
        kept.id += 1;
        letter.id = kept.id;
        kept.bytes += weight(&letter);
        kept.letters.push_back((letter, from));
        kept.make_room();
    }

    /// The newest first.
    pub fn list(&self, limit: usize) -> Vec<DeadLetter> {
        let kept = self.kept();
        let newest = kept.letters.iter().rev().take(limit);
        newest.map(|(letter, _)| letter.clone()).collect()
    }

    pub fn take(&self, id: u64) -> Option<(DeadLetter, Weak<Listener>)> {
        let mut kept = self.kept();
        let at = kept.place(id).ok()?;
        let taken = kept.letters.remove(at)?;
        kept.bytes -= weight(&taken.0);
        Some(taken)
    }

    /// Keeps one that was taken in vain, where it was.
    pub fn put_back(&self, letter: DeadLetter, from: Weak<Listener>) {
        let mut kept = self.kept();
        if let Err(at) = kept.place(letter.id) {
            kept.bytes += weight(&letter);
            kept.letters.insert(at, (letter, from));
            kept.make_room();
        }
    }
}

impl Kept {
    fn place(&self, id: u64) -> Result<usize, usize> {
        self.letters.binary_search_by_key(&id, |(it, _)| it.id)
    }

    fn make_room(&mut self) {
        while self.letters.len() > MOST_LETTERS || self.bytes > MOST_BYTES {
            let Some((letter, _)) = self.letters.pop_front() else {
                return;
            };
            self.bytes -= weight(&letter);
        }
    }
}
