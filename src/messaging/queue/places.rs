//! All that waits in one queue, by age: the places, how many there are and what they weigh.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::chain::{Chain, Links};
use super::entry::{Entry, Ticket};
use super::slab::Slab;

/// What waits, wherever it stands.
#[derive(Default)]
pub struct Places {
    places: Slab<Place>,
    /// Those that never were away, the oldest first.
    ages: Chain,
    by_age: Links,
    /// Those that came back, by their age.
    returned: BTreeMap<u64, u32>,
    /// Each kind of pause, the one that ends next first.
    pauses: [BTreeSet<(Instant, u32)>; Pause::ALL.len()],
    number: u64,
    pub count: u64,
    pub bytes: u64,
}

struct Place {
    entry: Entry,
    /// Until when; `None`: nothing keeps it from being taken but those before it.
    pause: Option<(Pause, Instant)>,
}

/// How something waits that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It was tried: those behind it pass.
    Aside,
    /// It was not tried: first in its lane, where nothing passes it.
    First,
    /// As `First`, and does not end early: the last one did, in vain.
    Firm,
}

impl Pause {
    const ALL: [Self; 3] = [Self::Aside, Self::First, Self::Firm];
}

impl Places {
    /// Behind all others, or where it was before.
    pub fn insert(&mut self, mut entry: Entry, pause: Option<(Pause, Instant)>) -> Ticket {
        self.count += 1;
        self.bytes += entry.weight;
        let is_new = entry.age == 0;
        if is_new {
            self.number += 1;
            entry.age = self.number;
        }
        let number = entry.age;
        let place = self.places.insert(Place { entry, pause });
        match is_new {
            true => self.ages.push_back(&mut self.by_age, place),
            false => _ = self.returned.insert(number, place),
        }
        if let Some((pause, due)) = pause {
            self.pauses[pause as usize].insert((due, place));
        }
        Ticket { place, number }
    }

    /// The entry, and how it waited.
    pub fn remove(&mut self, place: u32) -> Option<(Entry, Option<Pause>)> {
        let Place { entry, pause } = self.places.remove(place)?;
        if self.returned.remove(&entry.age).is_none() {
            self.ages.remove(&mut self.by_age, place);
        }
        self.count -= 1;
        self.bytes -= entry.weight;
        if let Some((pause, due)) = pause {
            self.pauses[pause as usize].remove(&(due, place));
        }
        if self.count == 0 {
            self.by_age.shrink();
        }
        Some((entry, pause.map(|(pause, _)| pause)))
    }

    pub fn is_at(&self, ticket: Ticket) -> bool {
        let place = self.places.get(ticket.place);
        place.is_some_and(|place| place.entry.age == ticket.number)
    }

    pub fn oldest(&self) -> Option<u32> {
        let first = self.ages.first();
        let first = first.and_then(|it| Some((self.places.get(it)?.entry.age, it)));
        let returned = self.returned.first_key_value();
        let returned = returned.map(|(age, place)| (*age, *place));
        let oldest = first.into_iter().chain(returned).min();
        oldest.map(|(_, place)| place)
    }

    /// Those that wait for a pause to end.
    pub fn paused(&self) -> u64 {
        self.pauses.iter().map(|it| it.len() as u64).sum()
    }

    pub fn next_due(&self) -> Option<Instant> {
        let next = self.pauses.iter().filter_map(BTreeSet::first);
        next.map(|(due, _)| *due).min()
    }

    /// Ends one pause of this kind that is over by then: its key and place.
    pub fn end_pause(&mut self, pause: Pause, until: Option<Instant>) -> Option<(u64, u32)> {
        let pauses = &mut self.pauses[pause as usize];
        let &(due, place) = pauses.first()?;
        if until.is_some_and(|until| due > until) {
            return None;
        }
        pauses.pop_first();
        let place_of = self.places.get_mut(place)?;
        place_of.pause = None;
        Some((place_of.entry.key, place))
    }

    /// Ends one pause before it is over, if there is one that may: its key.
    pub fn wake(&mut self) -> Option<u64> {
        let (key, place) = self.end_pause(Pause::First, None)?;
        self.places.get_mut(place)?.entry.was_woken = true;
        Some(key)
    }
}
