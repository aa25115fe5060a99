//! Which actors there are, who of them is idle and for how long, and who must end to make room.
//!
//! Holds at most `most` that live, and as many again that are told to end. Knows nothing of
//! instances but whether there is one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::key::ActorId;

/// What the table must know of an actor.
pub(super) trait Member {
    /// Whether it has anything that is worth keeping.
    fn is_alive(&self) -> bool;
}

/// The actors of one version.
pub(super) struct Table<T> {
    most: usize,
    entries: HashMap<ActorId, Entry<T>>,
    /// Those that nobody uses, by their rank: the longest idle one first.
    idle: BTreeMap<u64, ActorId>,
    next_rank: u64,
    /// Entries that count against `most`.
    living: usize,
    /// Entries that are being ended.
    ending: usize,
    /// Where the next one to ask for its health is.
    asked: u64,
}

struct Entry<T> {
    actor: Arc<T>,
    /// Calls that wait or run, and who ends it.
    users: u32,
    rank: u64,
    /// When it became idle, in ticks.
    since: u32,
    /// Somebody has called it, or may.
    lives: bool,
    ending: bool,
}

/// How somebody leaves an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It was called, and is idle from now on.
    Used,
    /// It was only asked how it is: it stays as idle as it was.
    Asked,
    /// It was ended.
    Ended,
}

/// An actor that somebody must end, and then leave.
pub(super) type Doomed<T> = (ActorId, Arc<T>);

/// An actor to use, and who has to make room for it.
pub(super) type Entered<T> = (Arc<T>, Option<Doomed<T>>);

impl<T: Member> Table<T> {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            entries: HashMap::new(),
            idle: BTreeMap::new(),
            next_rank: 1,
            living: 0,
            ending: 0,
            asked: 0,
        }
    }

    /// Takes part in using an actor, which is made where there is none. `None`: there is no room,
    /// and nobody idle.
    pub fn enter(&mut self, id: &ActorId, make: impl FnOnce() -> Arc<T>) -> Option<Entered<T>> {
        if let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.lives) {
            let actor = entry.actor.clone();
            self.use_it(id);
            return Some((actor, None));
        }
        let doomed = match self.living < self.most {
            true => None,
            false => Some(self.doom_idlest()?),
        };
        self.living += 1;
        let rank = self.next_rank;
        self.next_rank += 1;
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry {
            actor: make(),
            users: 0,
            rank,
            since: 0,
            lives: true,
            ending: false,
        });
        entry.lives = true;
        entry.users += 1;
        Some((entry.actor.clone(), doomed))
    }

    fn use_it(&mut self, id: &ActorId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.users += 1;
            self.idle.remove(&entry.rank);
        }
    }

    /// No longer takes part. `now` is in ticks.
    pub fn leave(&mut self, id: &ActorId, leaving: Leaving, now: u32) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        entry.users = entry.users.saturating_sub(1);
        match leaving {
            Leaving::Asked => {}
            Leaving::Used => {
                (entry.rank, entry.since) = (self.next_rank, now);
                self.next_rank += 1;
            }
            Leaving::Ended => {
                entry.ending = false;
                self.ending = self.ending.saturating_sub(1);
            }
        }
        if entry.users > 0 {
            return;
        }
        if entry.lives && entry.actor.is_alive() {
            self.idle.insert(entry.rank, id.clone());
            return;
        }
        self.living -= usize::from(entry.lives);
        self.entries.remove(id);
    }

    /// Who has been idle for `patience` ticks, at most so many that no more than `most_at_once`
    /// end at once.
    pub fn doom_expired(&mut self, now: u32, patience: u32, most_at_once: usize) -> Vec<Doomed<T>> {
        let mut doomed = Vec::new();
        while self.ending < most_at_once {
            let Some(id) = self.idle.values().next() else {
                break;
            };
            let is_expired = |entry: &Entry<T>| now.wrapping_sub(entry.since) >= patience;
            if !self.entries.get(id).is_some_and(is_expired) {
                break;
            }
            let id = id.clone();
            doomed.extend(self.doom(id));
        }
        doomed
    }

    /// Everybody, used or not.
    pub fn doom_all(&mut self) -> Vec<Doomed<T>> {
        let ids: Vec<ActorId> = self.entries.keys().cloned().collect();
        ids.into_iter().filter_map(|id| self.doom(id)).collect()
    }

    /// Who has been idle for longest; `None`: nobody, or too many end already.
    pub fn doom_idlest(&mut self) -> Option<Doomed<T>> {
        if self.ending >= self.most {
            return None;
        }
        let id = self.idle.values().next()?.clone();
        self.doom(id)
    }

    /// Whoever gets it takes part until it is ended. A call meanwhile brings it back to life.
    fn doom(&mut self, id: ActorId) -> Option<Doomed<T>> {
        let entry = self.entries.get_mut(&id).filter(|entry| !entry.ending)?;
        self.idle.remove(&entry.rank);
        entry.ending = true;
        self.ending += 1;
        if entry.users == 0 {
            entry.lives = false;
            self.living -= 1;
        }
        entry.users += 1;
        Some((id, entry.actor.clone()))
    }

    /// Removes those that nobody uses.
    pub fn take_idle(&mut self) -> Vec<Arc<T>> {
        let idle = std::mem::take(&mut self.idle);
        let taken = idle.into_values().filter_map(|id| {
            let entry = self.entries.remove(&id)?;
            self.living -= usize::from(entry.lives);
            Some(entry.actor)
        });
        taken.collect()
    }

    /// One that nobody uses, another one each time; takes part in it.
    pub fn ask_next(&mut self) -> Option<(ActorId, Arc<T>)> {
        let mut later = self.idle.range(self.asked..);
        let (rank, id) = later.next().or_else(|| self.idle.iter().next())?;
        let (rank, id) = (*rank, id.clone());
        self.asked = rank + 1;
        self.use_it(&id);
        let entry = self.entries.get(&id)?;
        Some((id, entry.actor.clone()))
    }

    /// How many are used, and how many are not.
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len() - self.idle.len(), self.idle.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Fake(AtomicBool);

    impl Member for Fake {
        fn is_alive(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn id(name: &str) -> ActorId {
        ActorId::Key(name.as_bytes().into())
    }

    fn enter(table: &mut Table<Fake>, name: &str) -> Option<Entered<Fake>> {
        table.enter(&id(name), || Arc::new(Fake(AtomicBool::new(true))))
    }

    /// Calls it once, at this tick.
    fn call(table: &mut Table<Fake>, name: &str, tick: u32) -> Option<Doomed<Fake>> {
        let (_, doomed) = enter(table, name).unwrap();
        table.leave(&id(name), Leaving::Used, tick);
        doomed
    }

    #[test]
    fn one_key_is_one_actor() {
        let mut table = Table::new(2);
        let (first, _) = enter(&mut table, "a").unwrap();
        let (second, _) = enter(&mut table, "a").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(table.counts(), (1, 0));
        table.leave(&id("a"), Leaving::Used, 0);
        assert_eq!(table.counts(), (1, 0));
        table.leave(&id("a"), Leaving::Used, 0);
        assert_eq!(table.counts(), (0, 1));
        let (third, _) = enter(&mut table, "a").unwrap();
        assert!(Arc::ptr_eq(&first, &third));
    }

    #[test]
    fn the_longest_idle_one_makes_room() {
        let mut table = Table::new(2);
        assert!(call(&mut table, "a", 0).is_none());
        assert!(call(&mut table, "b", 0).is_none());
        assert!(call(&mut table, "a", 1).is_none());
        let (doomed, _) = call(&mut table, "c", 1).unwrap();
        assert_eq!(doomed, id("b"));
    }

    #[test]
    fn with_all_busy_there_is_no_room() {
        let mut table = Table::new(1);
        let _busy = enter(&mut table, "a").unwrap();
        assert!(enter(&mut table, "b").is_none());
    }

    #[test]
    fn a_call_of_one_that_ends_meets_the_same_actor_and_keeps_it() {
        let mut table = Table::new(1);
        call(&mut table, "a", 0);
        let doomed = table.doom_expired(5, 5, 10);
        assert_eq!(doomed.len(), 1);
        let (again, _) = enter(&mut table, "a").unwrap();
        assert!(Arc::ptr_eq(&again, &doomed[0].1));
        assert!(enter(&mut table, "b").is_none(), "it counts again");
        table.leave(&id("a"), Leaving::Ended, 0);
        table.leave(&id("a"), Leaving::Used, 6);
        assert_eq!(table.counts(), (0, 1));
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let mut table = Table::new(1);
        call(&mut table, "a", 0);
        let doomed = table.doom_expired(1, 1, 10);
        doomed[0].1.0.store(false, Ordering::Relaxed);
        table.leave(&doomed[0].0, Leaving::Ended, 0);
        assert_eq!((table.entries.len(), table.living, table.ending), (0, 0, 0));
    }

    #[test]
    fn only_so_many_end_at_once_and_only_after_their_time() {
        let mut table = Table::new(10);
        for (tick, name) in ["a", "b", "c"].into_iter().enumerate() {
            call(&mut table, name, tick as u32);
        }
        assert_eq!(table.doom_expired(4, 5, 10).len(), 0);
        assert_eq!(table.doom_expired(9, 5, 2).len(), 2);
        assert_eq!(table.doom_expired(9, 5, 2).len(), 0);
    }

    #[test]
    fn asking_goes_round_and_makes_nobody_younger() {
        let mut table = Table::new(10);
        for name in ["a", "b"] {
            call(&mut table, name, 0);
        }
        let mut asked = Vec::new();
        for _ in 0..4 {
            let (id, _) = table.ask_next().unwrap();
            table.leave(&id, Leaving::Asked, 9);
            asked.push(id);
        }
        assert_eq!(asked, [id("a"), id("b"), id("a"), id("b")]);
        assert_eq!(table.doom_expired(5, 5, 10).len(), 2);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(steps in prop::collection::vec((0..5u8, 0..6u8), 0..200)) {
            let mut table = Table::new(3);
            let (mut users, mut doomed) = (Vec::new(), Vec::new());
            for (tick, (what, key)) in steps.into_iter().enumerate() {
                let name = id(&key.to_string());
                match what {
                    0 | 1 => if let Some((_, more)) = enter(&mut table, &key.to_string()) {
                        users.push(name);
                        doomed.extend(more);
                    },
                    2 => if let Some(user) = users.pop() {
                        table.leave(&user, Leaving::Used, tick as u32);
                    },
                    3 => doomed.extend(table.doom_expired(tick as u32, 3, 3)),
                    _ => if let Some((id, _)) = doomed.pop() {
                        table.leave(&id, Leaving::Ended, 0);
                    },
                }
                let living = table.entries.values().filter(|entry| entry.lives).count();
                let ending = table.entries.values().filter(|entry| entry.ending).count();
                prop_assert_eq!((living, ending), (table.living, table.ending));
                prop_assert!(living <= 3 && ending <= 3);
                let unused = table.entries.values().filter(|entry| entry.users == 0).count();
                prop_assert_eq!(unused, table.idle.len());
            }
        }
    }
}
