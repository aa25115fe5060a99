//! Splits requests between versions, exactly to the weight, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::{Cohort, RequestId, Weight};

/// Picks an index for each request. Over any run of as many requests as the weights add
/// up to, every index is picked exactly as often as its weight says, well mixed.
pub struct Split {
    /// Running sums of the weights, each with its index; without weights of zero.
    bounds: Vec<(u64, usize)>,
    total: u64,
    /// A step that visits every residue of `total` before it comes back to one.
    step: u64,
    next: AtomicU64,
}

impl Split {
    /// The sum of the weights must be above zero.
    pub fn new(weights: &[Weight]) -> Option<Self> {
        let mut total = 0;
        let mut bounds = Vec::with_capacity(weights.len());
        for (index, weight) in weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0)
        {
            total += u64::from(*weight);
            bounds.push((total, index));
        }
        let step = mixing_step(total)?;
        Some(Self {
            bounds,
            total,
            step,
            next: AtomicU64::new(0),
        })
    }

    /// The index for one more request, and the cohort that leads to it here and to its
    /// like elsewhere.
    pub fn pick(&self, request: RequestId) -> (usize, Cohort) {
        if let [(_, only)] = self.bounds[..] {
            return (only, Cohort::of(request));
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.total;
        let point = (u128::from(turn) * u128::from(self.step) % u128::from(self.total)) as u64;
        (self.at(point), Cohort::at(point, self.total))
    }

    /// The index that a cohort belongs to.
    pub fn follow(&self, cohort: Cohort) -> usize {
        self.at(cohort.scaled(self.total))
    }

    fn at(&self, point: u64) -> usize {
        let place = self.bounds.partition_point(|(bound, _)| *bound <= point);
        self.bounds[place].1
    }
}

/// A number near the golden section of `total` and without a common divisor with it.
fn mixing_step(total: u64) -> Option<u64> {
    if total == 0 {
        return None;
    }
    let start = (total as f64 * 0.618_033_988_749_894_9) as u64;
    (start.max(1)..).find(|step| greatest_common_divisor(*step, total) == 1)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picks(split: &Split, requests: u64, versions: usize) -> Vec<u32> {
        let mut picks = vec![0; versions];
        (0..requests).for_each(|_| picks[split.pick(RequestId::next()).0] += 1);
        picks
    }

    #[test]
    fn shares_are_exact_over_one_round() {
        let split = Split::new(&[95, 5]).unwrap();
        assert_eq!(picks(&split, 100, 2), [95, 5]);
    }

    #[test]
    fn a_small_share_is_spread_out() {
        let split = Split::new(&[90, 10]).unwrap();
        let gaps: Vec<usize> = (0..100)
            .filter(|_| split.pick(RequestId::NONE).0 == 1)
            .collect();
        assert!(
            gaps.windows(2).all(|pair| pair[1] - pair[0] >= 5),
            "{gaps:?}"
        );
    }

    #[test]
    fn a_version_without_weight_gets_nothing() {
        let split = Split::new(&[0, 3, 0]).unwrap();
        assert_eq!(picks(&split, 10, 3), [0, 10, 0]);
        assert!(Split::new(&[0, 0]).is_none());
    }

    #[test]
    fn a_cohort_leads_to_the_version_it_was_picked_with() {
        let split = Split::new(&[1, 95, 0, 4, 33]).unwrap();
        for _ in 0..1_000 {
            let (index, cohort) = split.pick(RequestId::next());
            assert_eq!(split.follow(cohort), index);
        }
    }

    #[test]
    fn requests_without_a_choice_are_spread_over_those_who_have_one() {
        let (only, split) = (Split::new(&[1]).unwrap(), Split::new(&[90, 10]).unwrap());
        let cohorts = (0..100_000).map(|_| only.pick(RequestId::next()).1);
        let second = cohorts.filter(|cohort| split.follow(*cohort) == 1).count();
        assert!((9_500..=10_500).contains(&second), "{second}");
    }

    proptest! {
        #[test]
        fn every_round_is_exact(weights in prop::collection::vec(0u32..1_000, 1..8)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let split = Split::new(&weights).unwrap();
            let total: u32 = weights.iter().sum();
            prop_assert_eq!(picks(&split, u64::from(total), weights.len()), weights);
        }
    }
}
