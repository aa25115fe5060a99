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
    /// The first of them has a pause, and those behind it wait with it.
    held: bool,
}

impl Lane {
    fn is_ready(&self) -> bool {
        !self.busy && !self.held && !self.waiting.is_empty()
    }
}

impl Lanes {
    /// Keys of which something can be taken.
    pub fn ready(&self) -> u32 {
        self.ready_count
    }

    /// Puts a place behind the others of its key.
    pub fn push(&mut self, key: u64, place: u32) {
        let number = self.lane(key);
        self.edit(number, |lane, links| lane.waiting.push_back(links, place));
    }

    /// Puts a place before the others of its key, but behind one that holds the lane.
    pub fn come_back(&mut self, key: u64, place: u32) {
        let number = self.lane(key);
        self.edit(number, |lane, links| {
            let holder = lane.held.then(|| lane.waiting.pop_front(links)).flatten();
            lane.waiting.push_front(links, place);
            if let Some(holder) = holder {
                lane.waiting.push_front(links, holder);
            }
        });
    }

    /// The key of the lane is busy no more, and what made it so is its first again: nothing is
    /// taken from there until it is let go.
    pub fn hold(&mut self, number: u32, place: u32) {
        self.edit(number, |lane, links| {
            lane.waiting.push_front(links, place);
            (lane.busy, lane.held) = (false, true);
        });
    }

    /// The pause of the first is over.
    pub fn let_go(&mut self, key: u64) {
        if let Some(&number) = self.by_key.get(&key) {
            self.edit(number, |lane, _| lane.held = false);
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
        self.edit(number, |lane, _| lane.busy = false);
    }

    /// Takes a place that waits out of its lane.
    pub fn withdraw(&mut self, key: u64, place: u32) {
        let Some(&number) = self.by_key.get(&key) else {
            return;
        };
        self.edit(number, |lane, links| {
            // Only the first can hold it.
            lane.held &= lane.waiting.first() != Some(place);
            lane.waiting.remove(links, place);
        });
    }

    /// The only way to change a lane: whether something can be taken from it stays known.
    fn edit(&mut self, number: u32, edit: impl FnOnce(&mut Lane, &mut Links)) {
        let Some(lane) = self.lanes.get_mut(number) else {
            return;
        };
        let was_ready = lane.is_ready();
        edit(lane, &mut self.within);
        let is_over = !lane.busy && lane.waiting.is_empty();
        match (was_ready, lane.is_ready()) {
            (false, true) => {
                self.ready.push_back(&mut self.between, number);
                self.ready_count += 1;
            }
            (true, false) => {
                self.ready.remove(&mut self.between, number);
                self.ready_count -= 1;
            }
            _ => {}
        }
        if is_over {
            self.end(number);
        }
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
            lanes.push(key, place);
        }
        let (one, first) = lanes.take().unwrap();
        let (_, other) = lanes.take().unwrap();
        assert_eq!((first, other), (10, 20));
        assert!(lanes.take().is_none(), "11 waits for 10");
        lanes.release(one);
        assert_eq!(lanes.take().map(|(_, place)| place), Some(11));
    }

    #[test]
    fn nothing_passes_the_one_that_holds_its_lane() {
        let mut lanes = Lanes::default();
        for place in [10, 11] {
            lanes.push(1, place);
        }
        let (one, first) = lanes.take().unwrap();
        lanes.hold(one, first);
        lanes.push(1, 12);
        lanes.come_back(1, 9);
        assert!(lanes.take().is_none(), "all wait with the first");
        assert!(lanes.seize(1).is_none());
        lanes.let_go(1);
        let order = std::iter::from_fn(|| {
            let (number, place) = lanes.take()?;
            lanes.release(number);
            Some(place)
        });
        assert_eq!(order.collect::<Vec<_>>(), [10, 9, 11, 12]);
        assert!(lanes.by_key.is_empty());
    }

    #[test]
    fn a_holder_that_is_taken_out_holds_no_more() {
        let mut lanes = Lanes::default();
        for place in [10, 11] {
            lanes.push(1, place);
        }
        let (one, first) = lanes.take().unwrap();
        lanes.hold(one, first);
        lanes.withdraw(1, 10);
        assert_eq!(lanes.ready(), 1);
        assert_eq!(lanes.take(), Some((one, 11)));
        lanes.hold(one, 11);
        lanes.withdraw(1, 11);
        assert_eq!(lanes.ready(), 0);
        assert!(lanes.by_key.is_empty());
    }

    #[test]
    fn a_lane_that_was_left_is_gone() {
        let mut lanes = Lanes::default();
        for round in 0..1_000 {
            lanes.push(round, 5);
            lanes.withdraw(round, 5);
        }
        assert_eq!(lanes.ready(), 0);
        assert!(lanes.by_key.is_empty());
        assert!(lanes.seize(3).is_some());
        assert!(lanes.seize(3).is_none());
    }
}
