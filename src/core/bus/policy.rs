//! What the operator decided about the bus.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{GroupName, MessageBounds, Topic, TopicPattern};
use crate::core::{ByteSize, Origin};

/// `[bus]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusSpec {
    pub bounds: MessageBounds,
    /// Messages that one request at the edge may cause through components.
    pub max_caused: NonZeroU32,
    /// Where messages go that were tried too often.
    pub dead_letters: Topic,
}

impl Default for BusSpec {
    #[allow(clippy::expect_used, reason = "a constant, and a test makes it")]
    fn default() -> Self {
        Self {
            bounds: MessageBounds::default(),
            max_caused: Origin::MAX_CAUSED,
            dead_letters: "airgate.dead-letters".parse().expect("a valid topic"),
        }
    }
}

/// One `[[component.NAME.subscribe]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSpec {
    pub topic: TopicPattern,
    /// Whose members share the messages; `None`: every subscriber gets a copy.
    pub group: Option<GroupName>,
    /// Messages that wait at once.
    pub queue: NonZeroU32,
    /// Bytes that wait at once, as [`super::Message::weight`] counts them.
    pub queue_bytes: ByteSize,
    /// What becomes of a message that finds the queue full.
    pub overflow: Overflow,
    /// Messages that are handled at once.
    pub concurrency: NonZeroU32,
    /// How often a message is tried in all.
    pub attempts: NonZeroU32,
    /// Between two tries.
    pub backoff: Backoff,
}

impl SubscriptionSpec {
    /// With the defaults for everything else.
    pub fn to(topic: TopicPattern) -> Self {
        Self {
            topic,
            group: None,
            queue: const { NonZeroU32::new(1024).unwrap() },
            queue_bytes: ByteSize(16 << 20),
            overflow: Overflow::default(),
            concurrency: const { NonZeroU32::new(16).unwrap() },
            attempts: const { NonZeroU32::new(5).unwrap() },
            backoff: Backoff::default(),
        }
    }
}

/// What becomes of a message that finds a queue full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It is not taken, and its sender is told.
    #[default]
    Reject,
    /// The one that has waited longest makes room.
    DropOldest,
}

/// Pauses that double, each up to half of it shorter by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            most: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The pause after so many failures, at least one. `chance` is between 0 and 1.
    pub fn pause(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::default();
        let pauses: Vec<_> = [1, 2, 3, 40]
            .map(|n| backoff.pause(n, 0.0).as_millis())
            .into();
        assert_eq!(pauses, [100, 200, 400, 30_000]);
        assert_eq!(backoff.pause(1, 1.0), Duration::from_millis(50));
    }

    #[test]
    fn defaults_can_be_made() {
        assert_eq!(
            BusSpec::default().dead_letters.as_str(),
            "airgate.dead-letters"
        );
    }
}
