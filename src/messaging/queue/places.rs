//! All that waits in one queue, by age: the places, how many there are and what they weigh.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::chain::{Chain, Links};
use super::entry::{Entry, Ticket};
use super::slab::Slab;

/// What waits, wherever it stands.
#[derive(Default)]
pub struct Places {
    places: Slab<Place>,
    /// The one that has waited longest first.
    ages: Chain,
    by_age: Links,
    /// Those that wait for another try, the next one first.
    delayed: BTreeSet<(Instant, u32)>,
    number: u64,
    pub count: u64,
    pub bytes: u64,
}

struct Place {
    entry: Entry,
    number: u64,
    /// Until when; `None`: it can be taken.
    delayed: Option<Instant>,
}

impl Places {
    pub fn insert(&mut self, entry: Entry, delayed: Option<Instant>) -> Ticket {
        self.number += 1;
        self.count += 1;
        self.bytes += entry.weight;
        let number = self.number;
        let place = self.places.insert(Place {
            entry,
            number,
            delayed,
        });
        self.ages.push_back(&mut self.by_age, place);
        if let Some(due) = delayed {
            self.delayed.insert((due, place));
        }
        Ticket { place, number }
    }

    /// The entry, and whether it was delayed.
    pub fn remove(&mut self, place: u32) -> Option<(Entry, bool)> {
        let Place { entry, delayed, .. } = self.places.remove(place)?;
        self.ages.remove(&mut self.by_age, place);
        self.count -= 1;
        self.bytes -= entry.weight;
        if let Some(due) = delayed {
            self.delayed.remove(&(due, place));
        }
        if self.count == 0 {
            self.by_age.shrink();
        }
        Some((entry, delayed.is_some()))
    }

    pub fn is_at(&self, ticket: Ticket) -> bool {
        let place = self.places.get(ticket.place);
        place.is_some_and(|place| place.number == ticket.number)
    }

    pub fn oldest(&self) -> Option<u32> {
        self.ages.first()
    }

    pub fn delayed(&self) -> u64 {
        self.delayed.len() as u64
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(due, _)| *due)
    }

    /// Ends one delay that is over by then: its key and place.
    pub fn end_delay(&mut self, until: Option<Instant>) -> Option<(u64, u32)> {
        let &(due, place) = self.delayed.first()?;
        if until.is_some_and(|until| due > until) {
            return None;
        }
        self.delayed.pop_first();
        let place_of = self.places.get_mut(place)?;
        place_of.delayed = None;
        Some((place_of.entry.key, place))
    }
}
