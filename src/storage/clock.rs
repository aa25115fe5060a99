//! The time by which values expire: wall time at the start, and from then on what has really
//! passed. A wall clock that jumps meanwhile moves nothing; one that was set back while the
//! process was down cannot bring back what has expired, since the store remembers the newest
//! time it has seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::core::Timestamp;

/// Where time comes from.
pub(super) trait TimeSource: Send + Sync + 'static {
    /// What the clock on the wall shows.
    fn wall(&self) -> Timestamp;

    /// What has passed since the source was made. Never goes back.
    fn elapsed(&self) -> Duration;
}

/// The clocks of this machine.
struct Machine(Instant);

impl TimeSource for Machine {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The clock of one store.
#[derive(Clone)]
pub(super) struct StoreClock {
    source: Arc<dyn TimeSource>,
    /// Milliseconds since 1970 when the source was made.
    origin: Arc<AtomicU64>,
}

impl StoreClock {
    pub fn of_this_machine() -> Self {
        Self::new(Arc::new(Machine(Instant::now())))
    }

    pub fn new(source: Arc<dyn TimeSource>) -> Self {
        let origin = source.wall().as_millis().saturating_sub(millis(&*source));
        Self {
            source,
            origin: Arc::new(AtomicU64::new(origin)),
        }
    }

    pub fn now(&self) -> Timestamp {
        let origin = self.origin.load(Ordering::Relaxed);
        Timestamp::from_millis(origin.saturating_add(millis(&*self.source)))
    }

    /// Goes on from `seen` if that is later than now. Answers by how much it was.
    pub fn raise(&self, seen: Timestamp) -> Duration {
        let origin = seen.as_millis().saturating_sub(millis(&*self.source));
        let before = self.origin.fetch_max(origin, Ordering::Relaxed);
        Duration::from_millis(origin.saturating_sub(before))
    }

    /// When what is written now and lives for `ttl` is gone.
    pub fn after(now: Timestamp, ttl: Duration) -> Timestamp {
        // A part of a millisecond counts as one: nothing goes before its time.
        let ttl = ttl.as_nanos().div_ceil(1_000_000);
        let ttl = u64::try_from(ttl).unwrap_or(u64::MAX);
        Timestamp::from_millis(now.as_millis().saturating_add(ttl))
    }
}

fn millis(source: &dyn TimeSource) -> u64 {
    u64::try_from(source.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// For tests: clocks that go when they are told to.
#[cfg(test)]
pub(super) struct Hands {
    wall: AtomicU64,
    elapsed: AtomicU64,
}

#[cfg(test)]
impl Hands {
    pub fn at(wall: u64) -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicU64::new(wall),
            elapsed: AtomicU64::new(0),
        })
    }

    /// The wall clock is set, forward or back; nothing has passed.
    pub fn set_wall(&self, wall: u64) {
        self.wall.store(wall, Ordering::Relaxed);
    }

    /// Time passes, on the wall too.
    pub fn pass(&self, millis: u64) {
        self.wall.fetch_add(millis, Ordering::Relaxed);
        self.elapsed.fetch_add(millis, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl TimeSource for Hands {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_jumps_moves_nothing() {
        let hands = Hands::at(1_000_000);
        let clock = StoreClock::new(hands.clone());
        hands.pass(5);
        hands.set_wall(9_000_000);
        assert_eq!(clock.now(), Timestamp::from_millis(1_000_005));
        hands.set_wall(0);
        hands.pass(5);
        assert_eq!(clock.now(), Timestamp::from_millis(1_000_010));
    }

    #[test]
    fn what_was_seen_is_never_in_the_future() {
        let hands = Hands::at(1_000);
        let clock = StoreClock::new(hands.clone());
        let behind = clock.raise(Timestamp::from_millis(5_000));
        assert_eq!(behind, Duration::from_millis(4_000));
        hands.pass(7);
        assert_eq!(clock.now(), Timestamp::from_millis(5_007));
        assert_eq!(clock.raise(Timestamp::from_millis(2_000)), Duration::ZERO);
        assert_eq!(clock.now(), Timestamp::from_millis(5_007));
    }

    #[test]
    fn the_longest_time_to_live_ends_somewhere() {
        let now = Timestamp::from_millis(1);
        let last = StoreClock::after(now, Duration::MAX);
        assert_eq!(last, Timestamp::from_millis(u64::MAX));
        let soon = StoreClock::after(now, Duration::from_micros(1));
        assert_eq!(soon, Timestamp::from_millis(2));
    }
}
