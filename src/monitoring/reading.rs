//! What a version has done by a moment, as plain numbers. The difference of two readings
//! is a window, the sum of several is what their versions did together.

use std::iter::Sum;
use std::ops::Add;
use std::time::Duration;

/// Buckets of one power of two, so that each is a sixteenth of its lower bound wide.
const FINENESS: u64 = 16;
const FINENESS_BITS: u32 = FINENESS.ilog2();
/// What durations are counted in, so that the finest buckets are whole: a sixteenth of a
/// microsecond.
const UNITS_A_SECOND: u64 = 1_000_000 * FINENESS;
/// Powers of two from 1 µs on; what takes longer than the last, 134 s, is not told apart.
const POWERS: u64 = 27;
/// The first are those below 1 µs, the last is that of everything longer.
pub(super) const BUCKETS: usize = (FINENESS * (1 + POWERS) + 1) as usize;

/// The bucket that counts a duration.
pub(super) fn bucket(duration: Duration) -> usize {
    let seconds = duration.as_secs().saturating_mul(UNITS_A_SECOND);
    let rest = u64::from(duration.subsec_nanos()) * UNITS_A_SECOND / 1_000_000_000;
    let units = seconds.saturating_add(rest);
    if units < FINENESS {
        return units as usize;
    }
    let shift = units.ilog2() - FINENESS_BITS;
    let place = u64::from(shift) * FINENESS + (units >> shift);
    (place as usize).min(BUCKETS - 1)
}

/// Where a bucket begins and how wide it is, in units.
fn bounds(bucket: usize) -> (f64, f64) {
    let place = bucket as u64;
    if place < FINENESS {
        return (place as f64, 1.0);
    }
    let shift = place / FINENESS - 1;
    let begin = (FINENESS + place % FINENESS) << shift;
    let width = if bucket == BUCKETS - 1 { 0 } else { 1 << shift };
    (begin as f64, width as f64)
}

/// Counts of one version, or of several together, since they were made or in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Requests by the time to their response head.
    pub(super) latencies: Box<[u64]>,
    /// Faults of the component, and answers with a status of 500 or above.
    pub errors: u64,
    /// Of those: the guest trapped, exited, ran out of fuel, or gave no response.
    pub traps: u64,
    /// Of those: it missed its deadline or used up its cpu time.
    pub timeouts: u64,
    /// Of those: it died of its memory limit.
    pub memory: u64,
}

impl Reading {
    /// Requests that say something of the version.
    pub fn requests(&self) -> u64 {
        self.latencies.iter().sum()
    }

    /// What came after an earlier reading of the same counters.
    pub fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, u64::saturating_sub)
    }

    /// The time to the response head that 99 of 100 requests stayed below, at most a
    /// sixteenth too long or too short; `None` without requests.
    pub fn p99(&self) -> Option<Duration> {
        // In hundredths of a request, and whole: rounding would make it another request's.
        let rank = u128::from(self.requests()) * 99;
        let mut below = 0;
        for (bucket, &count) in self.latencies.iter().enumerate() {
            let count = u128::from(count) * 100;
            if count > 0 && below + count >= rank {
                let (begin, width) = bounds(bucket);
                let units = begin + width * (rank - below) as f64 / count as f64;
                return Some(Duration::from_secs_f64(units / UNITS_A_SECOND as f64));
            }
            below += count;
        }
        None
    }

    fn with(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
        let latencies = self.latencies.iter().zip(&other.latencies);
        Self {
            latencies: latencies.map(|(a, b)| combine(*a, *b)).collect(),
            errors: combine(self.errors, other.errors),
            traps: combine(self.traps, other.traps),
            timeouts: combine(self.timeouts, other.timeouts),
            memory: combine(self.memory, other.memory),
        }
    }
}

/// Nothing yet.
impl Default for Reading {
    fn default() -> Self {
        Self {
            latencies: vec![0; BUCKETS].into(),
            errors: 0,
            traps: 0,
            timeouts: 0,
            memory: 0,
        }
    }
}

/// Several versions together.
impl Add<&Reading> for Reading {
    type Output = Reading;

    fn add(self, other: &Reading) -> Reading {
        self.with(other, u64::saturating_add)
    }
}

impl Sum for Reading {
    fn sum<I: Iterator<Item = Self>>(readings: I) -> Self {
        readings.fold(Self::default(), |sum, reading| sum + &reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(durations: &[Duration]) -> Reading {
        let mut reading = Reading::default();
        for duration in durations {
            reading.latencies[bucket(*duration)] += 1;
        }
        reading
    }

    const LONGEST: Duration = Duration::from_micros((1 << 27) - 1);

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for place in 0..BUCKETS - 1 {
            let (begin, width) = bounds(place);
            assert_eq!(begin + width, bounds(place + 1).0, "{place}");
        }
        assert_eq!(bounds(BUCKETS - 1).0, ((1_u64 << POWERS) * FINENESS) as f64);
    }

    #[test]
    fn any_duration_has_a_bucket() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_micros(1)), 16);
        assert_eq!(bucket(LONGEST), BUCKETS - 2);
        assert_eq!(bucket(Duration::from_micros(1 << 27)), BUCKETS - 1);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn p99_lies_within_its_bucket_and_not_at_its_edge() {
        let fast = Duration::from_millis(1);
        let mut samples = vec![fast; 98];
        samples.extend([Duration::from_millis(100); 2]);
        let p99 = reading(&samples).p99().unwrap();
        // Half of the bucket's two samples are below rank 99.
        let (begin, width) = bounds(bucket(Duration::from_millis(100)));
        let middle = (begin + width / 2.0) / UNITS_A_SECOND as f64;
        assert!((p99.as_secs_f64() - middle).abs() < 1e-6, "{p99:?}");
        assert_eq!(Reading::default().p99(), None);
    }

    #[test]
    fn p99_of_what_took_too_long_is_the_longest_time_there_is() {
        let p99 = reading(&[Duration::MAX]).p99();
        assert_eq!(p99, Some(Duration::from_micros(1 << 27)));
    }

    #[test]
    fn a_window_is_what_came_since_and_never_below_nothing() {
        let earlier = reading(&[Duration::from_millis(1)]);
        let later = Reading {
            errors: 3,
            ..reading(&[Duration::from_millis(1), Duration::from_millis(2)])
        };
        let window = later.since(&earlier);
        assert_eq!((window.requests(), window.errors), (1, 3));
        assert_eq!(earlier.since(&later), Reading::default());
    }

    #[test]
    fn versions_add_up() {
        let one = Reading {
            errors: 1,
            traps: 1,
            ..reading(&[Duration::from_millis(1)])
        };
        let both: Reading = [one.clone(), one].into_iter().sum();
        assert_eq!((both.requests(), both.errors, both.traps), (2, 2, 2));
    }

    proptest! {
        #[test]
        fn p99_is_within_seven_percent_of_the_exact_one(
            micros in prop::collection::vec((0_u32..27, 0.0..1.0), 1..2_000),
        ) {
            let sample = |(power, part): &(u32, f64)| {
                Duration::from_secs_f64(f64::from(1_u32 << power) * (1.0 + part) / 1e6)
            };
            let mut samples: Vec<_> = micros.iter().map(sample).collect();
            let p99 = reading(&samples).p99().unwrap().as_secs_f64();
            samples.sort();
            let rank = (samples.len() * 99).div_ceil(100);
            let exact = samples[rank - 1].as_secs_f64();
            prop_assert!((p99 / exact - 1.0).abs() < 0.07, "{p99} is not {exact}");
        }
    }
}
