//! The order of messages: those with one key, that is of one publisher on one topic, go one
//! after the other; the others go side by side. A lane exists only while something waits or
//! runs in it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::chain::{Chain, Links};
use super::slab::Slab;

/// Keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Keys for which an empty one keeps room.
const KEPT: usize = 1024;

/// What waits in the order of its keys, and which keys are busy.
#[derive(Default)]
pub struct Lanes {
    by_key: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    lanes: Slab<Lane>,
    /// Between the places of one lane.
    within: Links,
    /// Lanes where something can be taken.
    ready: Chain,
    between: Links,
    ready_count: u32,
}

#[derive(Default)]
struct Lane {
    key: u64,
    waiting: Chain,
    busy: bool,
}

impl Lane {
    fn is_ready(&self) -> bool {
        !self.busy && !self.waiting.is_empty()
    }
}

impl Lanes {
    /// Keys of which something can be taken.
    pub fn ready(&self) -> u32 {
        self.ready_count
    }

    /// Puts a place behind the others of its key, or before them.
    pub fn push(&mut self, key: u64, place: u32, first: bool) {
        let number = self.lane(key);
        let Some(lane) = self.lanes.get_mut(number) else {
            return;
        };
        let was_ready = lane.is_ready();
        match first {
            true => lane.waiting.push_front(&mut self.within, place),
            false => lane.waiting.push_back(&mut self.within, place),
        }
        if lane.is_ready() && !was_ready {
            self.make_ready(number);
        }
    }

    /// The next place that can be taken; its key is busy from now on.
    pub fn take(&mut self) -> Option<(u32, u32)> {
        let number = self.ready.pop_front(&mut self.between)?;
        self.ready_count -= 1;
        let lane = self.lanes.get_mut(number)?;
        lane.busy = true;
        let place = lane.waiting.pop_front(&mut self.within)?;
        Some((number, place))
    }

    /// Whether anything of this key waits or runs.
    pub fn knows(&self, key: u64) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Makes a key busy of which nothing waits or runs.
    pub fn seize(&mut self, key: u64) -> Option<u32> {
        if self.knows(key) {
            return None;
        }
        let number = self.lane(key);
        self.lanes.get_mut(number)?.busy = true;
        Some(number)
    }

    /// The key of the lane is busy no more.
    pub fn release(&mut self, number: u32) {
        let Some(lane) = self.lanes.get_mut(number) else {
            return;
        };
        lane.busy = false;
        if lane.is_ready() {
            self.make_ready(number);
        } else {
            self.end(number);
        }
    }

    /// Takes a place that waits out of its lane.
    pub fn withdraw(&mut self, key: u64, place: u32) {
        let Some(&number) = self.by_key.get(&key) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(number) else {
            return;
        };
        lane.waiting.remove(&mut self.within, place);
        if !lane.waiting.is_empty() || lane.busy {
            return;
        }
        self.ready.remove(&mut self.between, number);
        self.ready_count -= 1;
        self.end(number);
    }

    fn make_ready(&mut self, number: u32) {
        self.ready.push_back(&mut self.between, number);
        self.ready_count += 1;
    }

    fn lane(&mut self, key: u64) -> u32 {
        let lanes = &mut self.lanes;
        *self.by_key.entry(key).or_insert_with(|| {
            lanes.insert(Lane {
                key,
                ..Lane::default()
            })
        })
    }

    fn end(&mut self, number: u32) {
        if let Some(lane) = self.lanes.remove(number) {
            self.by_key.remove(&lane.key);
        }
        if self.by_key.is_empty() {
            self.by_key.shrink_to(KEPT);
            self.within.shrink();
            self.between.shrink();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_waits_for_itself_and_not_for_others() {
        let mut lanes = Lanes::default();
        for (key, place) in [(1, 10), (1, 11), (2, 20)] {
            lanes.push(key, place, false);
        }
        let (one, first) = lanes.take().unwrap();
        let (_, other) = lanes.take().unwrap();
        assert_eq!((first, other), (10, 20));
        assert!(lanes.take().is_none(), "11 waits for 10");
        lanes.release(one);
        assert_eq!(lanes.take().map(|(_, place)| place), Some(11));
    }

    #[test]
    fn a_lane_that_was_left_is_gone() {
        let mut lanes = Lanes::default();
        for round in 0..1_000 {
            lanes.push(round, 5, false);
            lanes.withdraw(round, 5);
        }
        assert_eq!(lanes.ready(), 0);
        assert!(lanes.by_key.is_empty());
        assert!(lanes.seize(3).is_some());
        assert!(lanes.seize(3).is_none());
    }
}
