//! Numbers nobody can foretell: some for pauses, and others that are secrets.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Spreads what would happen at the same moment.
pub struct Chance(AtomicU64);

impl Default for Chance {
    fn default() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(0)))
    }
}

impl Chance {
    /// From 0 to 1.
    pub fn draw(&self) -> f64 {
        // SplitMix64: every state is a good one, so that a counter is enough.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Unknown to everybody else.
pub fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    if getrandom::fill(&mut secret).is_err() {
        // The keys of hash maps come from the same place, or the process ends.
        for part in secret.chunks_mut(8) {
            part.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
        }
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_and_differ_from_one_source_to_another() {
        let draws = |chance: Chance| (0..1_000).map(|_| chance.draw()).collect::<Vec<_>>();
        let (one, other) = (draws(Chance::default()), draws(Chance::default()));
        assert_ne!(one, other);
        assert!(one.iter().all(|draw| (0.0..1.0).contains(draw)));
        let mean = one.iter().sum::<f64>() / 1_000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
