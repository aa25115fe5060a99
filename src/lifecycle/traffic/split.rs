//! Splits requests between versions: those of anybody exactly to the weight, those with a
//! key so that the same key meets the same version. Without a lock, without allocation.

use std::sync::atomic::{AtomicU64, Ordering};

use super::rendezvous::Runner;
use crate::core::{Cohort, RequestId, VersionName, Weight};

/// Picks a version for each request, known by its place in what the split was made of.
///
/// Without keys every version is picked exactly as often as its weight says, over any run of
/// as many requests as the weights add up to, well mixed. With keys it gets its share of the
/// keys, as even as chance deals them.
pub struct Split {
    /// Without those that have no weight.
    shares: Vec<Share>,
    total: u64,
    /// A step that visits every residue of `total` before it comes back to one.
    step: u64,
    next: AtomicU64,
}

/// What one version has of the whole.
struct Share {
    /// Where it ends: the sum of the weights up to its own.
    end: u64,
    runner: Runner,
    index: usize,
}

impl Split {
    /// `None` where the sum of the weights is zero.
    pub fn new(weights: &[(VersionName, Weight)]) -> Option<Self> {
        let mut total = 0;
        let mut shares = Vec::with_capacity(weights.len());
        let given = weights.iter().enumerate();
        for (index, (version, weight)) in given.filter(|(_, (_, weight))| *weight > 0) {
            total += u64::from(*weight);
            shares.push(Share {
                end: total,
                runner: Runner::new(version, *weight),
                index,
            });
        }
        Some(Self {
            shares,
            total,
            step: mixing_step(total)?,
            // Anywhere: weights that change often must not always begin with the same version.
            next: AtomicU64::new(scaled(RequestId::next().spread(), total)),
        })
    }

    /// The version for one more request of anybody, and the cohort that leads to it here and
    /// to its like elsewhere.
    pub fn pick(&self, request: RequestId) -> (usize, Cohort) {
        if let [only] = &self.shares[..] {
            return (only.index, Cohort::of(request));
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.total;
        let point = (u128::from(turn) * u128::from(self.step) % u128::from(self.total)) as u64;
        (self.at(point), Cohort::at(point, self.total))
    }

    /// The version for a request with this key, and the cohort that leads to it. The key must
    /// be evenly spread: a hash, where a client can choose it.
    pub fn sticky(&self, key: u64) -> (usize, Cohort) {
        (self.winner(key), Cohort::Key(key))
    }

    /// The version that a cohort belongs to.
    pub fn follow(&self, cohort: Cohort) -> usize {
        match cohort {
            Cohort::Point(point) => self.at(scaled(point, self.total)),
            Cohort::Key(key) => self.winner(key),
        }
    }

    fn at(&self, point: u64) -> usize {
        let place = self.shares.partition_point(|share| share.end <= point);
        self.shares[place].index
    }

    fn winner(&self, key: u64) -> usize {
        let (first, others) = (&self.shares[0], &self.shares[1..]);
        if others.is_empty() {
            return first.index;
        }
        let (mut winner, mut fastest) = (first.index, first.runner.run(key));
        for share in others {
            let run = share.runner.run(key);
            if run.is_faster(&fastest) {
                (winner, fastest) = (share.index, run);
            }
        }
        winner
    }
}

/// Where a point of the whole range falls in `total`.
fn scaled(point: u64, total: u64) -> u64 {
    ((u128::from(point) * u128::from(total)) >> 64) as u64
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
