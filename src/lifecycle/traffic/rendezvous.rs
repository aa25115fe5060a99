//! Weighted rendezvous hashing: versions race for a key, and the fastest has it.
//!
//! Each version's time for a key is drawn, by a hash, from the exponential distribution, so
//! that a version wins as often as its weight says when times are divided by weights. A
//! weight that rises makes one version faster and nobody else slower, so nobody leaves it.
//!
//! Nothing here depends on the process, the platform or the order of versions: every node
//! finds the same winner, and it is the same after a restart or an upgrade.

use std::cmp::Ordering;
use std::f64::consts::{FRAC_1_SQRT_2, LN_2};

use crate::core::{VersionName, Weight, stable_hash};

/// One version in the race.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runner {
    seed: u64,
    weight: Weight,
}

impl Runner {
    /// The weight must be above zero.
    pub fn new(version: &VersionName, weight: Weight) -> Self {
        Self {
            seed: stable_hash(format!("version {version}").as_bytes()),
            weight,
        }
    }

    pub fn run(self, key: u64) -> Run {
        Run {
            time: exponential(mix(key ^ self.seed)),
            runner: self,
        }
    }
}

/// One version's race for one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    runner: Runner,
    time: u64,
}

impl Run {
    /// Compares times by weights as whole numbers, without rounding: weights that grow or
    /// shrink in proportion never change who wins.
    fn order(&self, other: &Self) -> Ordering {
        let mine = u128::from(self.time) * u128::from(other.runner.weight);
        let theirs = u128::from(other.time) * u128::from(self.runner.weight);
        mine.cmp(&theirs)
            // By nothing that a change of the weights could change.
            .then(self.runner.seed.cmp(&other.runner.seed))
    }

    pub fn is_faster(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Less
    }
}

/// Every bit of the answer depends on every bit of `bits` (splitmix64).
fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// `-ln(u)` in units of 2⁻⁵⁴, where u is the hash as a fraction of its range, between 0 and 1
/// without either: at least 1, less than 2⁶⁰, right to eight digits.
///
/// Of additions, multiplications and divisions alone, whose results IEEE 754 fixes: the
/// last digit of a platform's own logarithm is the platform's own.
fn exponential(hash: u64) -> u64 {
    const UNIT: f64 = (1_u64 << 54) as f64;
    const MANTISSA: u32 = 52;
    /// The exponent of ½ as a float writes it.
    const HALF: u64 = 1_022;
    // u = numerator / 2⁵³, which a float holds without rounding.
    let numerator = (hash >> 12) * 2 + 1;
    let float = (numerator as f64).to_bits();
    // The float's own parts: a fraction from ½ to 1, and the power of two beside it.
    let mut power = (float >> MANTISSA) as i32 - HALF as i32 - 53;
    let mut fraction = f64::from_bits(float & ((1 << MANTISSA) - 1) | HALF << MANTISSA);
    if fraction < FRAC_1_SQRT_2 {
        (fraction, power) = (fraction * 2.0, power - 1);
    }
    (-(f64::from(power) * LN_2 + logarithm(fraction)) * UNIT) as u64
}

/// Of a fraction between 1/√2 and √2: 2·artanh((f - 1) / (f + 1)) as a series.
fn logarithm(fraction: f64) -> f64 {
    const TERMS: [f64; 5] = [1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];
    let x = (fraction - 1.0) / (fraction + 1.0);
    let square = x * x;
    2.0 * x * TERMS.iter().fold(0.0, |sum, term| sum * square + term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runner(name: &str, weight: Weight) -> Runner {
        Runner::new(&name.parse().unwrap(), weight)
    }

    #[test]
    fn the_ends_of_the_range_are_within_bounds() {
        assert!((1..=4).contains(&exponential(u64::MAX)));
        assert!(exponential(0) < 1 << 60);
    }

    #[test]
    fn equal_times_are_told_apart_whoever_is_asked_first() {
        let (a, b) = (runner("a", 1), runner("b", 1));
        let run = |runner| Run { runner, time: 7 };
        assert_ne!(run(a).is_faster(&run(b)), run(b).is_faster(&run(a)));
    }

    #[test]
    fn seeds_and_times_are_what_they_have_always_been() {
        let seeds = ["1.4.2", "1.5.0", "a"].map(|name| runner(name, 1).seed);
        let expected = [
            3_171_381_419_851_223_513,
            3_766_162_028_884_608_827,
            7_669_216_090_056_886_522,
        ];
        assert_eq!(seeds, expected);
        let times = [1, 2, 3].map(|key| runner("a", 1).run(key).time);
        let expected = [
            2_533_039_033_945_979,
            207_040_342_691_907,
            38_925_323_959_814_648,
        ];
        assert_eq!(times, expected);
    }

    proptest! {
        #[test]
        fn times_are_those_of_the_exponential_distribution(hash: u64) {
            let uniform = ((hash >> 12) as f64 + 0.5) / 2_f64.powi(52);
            let expected = -uniform.ln() * 2_f64.powi(54);
            let time = exponential(hash) as f64;
            prop_assert!((time - expected).abs() <= expected * 1e-8 + 1.0, "{time} {expected}");
        }

        #[test]
        fn weights_in_proportion_lead_to_the_same_winner(
            key: u64, one in 1..1_000_u32, other in 1..1_000_u32, factor in 1..1_000_000_u32,
        ) {
            let wins = |by: u32| {
                let runs = [runner("a", one * by), runner("b", other * by)].map(|it| it.run(key));
                runs[0].is_faster(&runs[1])
            };
            prop_assert_eq!(wins(1), wins(factor));
        }
    }
}
