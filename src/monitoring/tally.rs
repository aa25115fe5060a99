//! Counts what one version does, for those who judge it: which rollouts do.
//!
//! Stands in the path of every request, so a good one costs a single relaxed addition;
//! failures pay for their own counters. Never locks, allocates or forgets: a window is the
//! difference of two readings.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::reading::{BUCKETS, Reading, bucket};
use crate::core::Fault;

/// How a call ended, as far as it says something of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Good,
    /// It failed in none of the ways below.
    Error,
    /// The guest trapped, exited, ran out of fuel, or gave no response.
    Trap,
    /// It missed its deadline or used up its cpu time.
    Timeout,
    /// It died of its memory limit.
    Memory,
    /// The client failed, or the gateway took no requests: says nothing of the version.
    Beside,
}

impl From<StatusCode> for Ending {
    /// Of a guest's own answer.
    fn from(status: StatusCode) -> Self {
        match status.as_u16() {
            500.. => Self::Error,
            _ => Self::Good,
        }
    }
}

impl From<&Fault> for Ending {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Trap | Fault::NoResponse | Fault::OutOfFuel => Self::Trap,
            Fault::Cpu | Fault::Timeout => Self::Timeout,
            Fault::Memory => Self::Memory,
            Fault::GuestError(_) | Fault::Overloaded | Fault::Unavailable | Fault::Internal => {
                Self::Error
            }
            Fault::NoRoute
            | Fault::MethodNotAllowed { .. }
            | Fault::Malformed(_)
            | Fault::BodyTooLarge
            | Fault::UriTooLong
            | Fault::HeadTooLarge
            | Fault::RequestTimeout
            | Fault::RateLimited { .. }
            | Fault::Draining => Self::Beside,
        }
    }
}

/// Counters of one version, from when it was loaded.
pub struct Tally {
    failures: Failures,
    /// Requests by the time to their response head: their sum is the number of requests,
    /// which then needs no counter of its own.
    latencies: [AtomicU64; BUCKETS],
}

/// Touched only on failure.
#[derive(Default)]
struct Failures {
    errors: AtomicU64,
    traps: AtomicU64,
    timeouts: AtomicU64,
    memory: AtomicU64,
}

impl Tally {
    /// Counts one call, with the time to its response head.
    pub fn count(&self, duration: Duration, ending: Ending) {
        // Else a client who breaks requests off could thin out errors, or slow a p99 down.
        if ending == Ending::Beside {
            return;
        }
        self.latencies[bucket(duration)].fetch_add(1, Ordering::Relaxed);
        self.count_failure(ending);
    }

    /// Counts the failure of a response whose head was counted already. A stream that meets
    /// its deadline is none: some are meant to go on until then.
    pub fn broke_off(&self, fault: &Fault) {
        if *fault != Fault::Timeout {
            self.count_failure(fault.into());
        }
    }

    /// By now.
    pub fn read(&self) -> Reading {
        // In this order, so that no kind is seen without its error, and no error without its
        // request.
        let [memory, timeouts, traps, errors] = [
            &self.failures.memory,
            &self.failures.timeouts,
            &self.failures.traps,
            &self.failures.errors,
        ]
        .map(|counter| counter.load(Ordering::Acquire));
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            latencies: self.latencies.iter().map(count).collect(),
            errors,
            traps,
            timeouts,
            memory,
        }
    }

    fn count_failure(&self, ending: Ending) {
        let Failures {
            errors,
            traps,
            timeouts,
            memory,
        } = &self.failures;
        let kind = match ending {
            Ending::Good | Ending::Beside => return,
            Ending::Error => None,
            Ending::Trap => Some(traps),
            Ending::Timeout => Some(timeouts),
            Ending::Memory => Some(memory),
        };
        errors.fetch_add(1, Ordering::Release);
        if let Some(kind) = kind {
            kind.fetch_add(1, Ordering::Release);
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            failures: Failures::default(),
            latencies: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::core::ProxyError;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn after(calls: &[Ending]) -> Reading {
        let tally = Tally::default();
        calls
            .iter()
            .for_each(|call| tally.count(MILLISECOND, *call));
        tally.read()
    }

    /// Requests, errors, traps, timeouts, memory.
    fn counts(reading: &Reading) -> [u64; 5] {
        let Reading {
            errors,
            traps,
            timeouts,
            memory,
            ..
        } = *reading;
        [reading.requests(), errors, traps, timeouts, memory]
    }

    #[test]
    fn every_failure_is_an_error_and_of_one_kind() {
        assert_eq!(counts(&after(&[Ending::Good])), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&after(&[Ending::Error])), [1, 1, 0, 0, 0]);
        assert_eq!(counts(&after(&[Ending::Trap])), [1, 1, 1, 0, 0]);
        assert_eq!(counts(&after(&[Ending::Timeout])), [1, 1, 0, 1, 0]);
        assert_eq!(counts(&after(&[Ending::Memory])), [1, 1, 0, 0, 1]);
    }

    #[test]
    fn what_the_client_did_is_not_counted_at_all() {
        assert_eq!(after(&[Ending::Beside]), Reading::default());
    }

    #[test]
    fn a_guest_fails_by_its_status_from_500_on() {
        let ending = |status: u16| {
            let status: StatusCode = status.try_into().unwrap();
            Ending::from(status)
        };
        for status in [200, 304, 404, 429, 499] {
            assert_eq!(ending(status), Ending::Good, "{status}");
        }
        for status in [500, 502, 503, 599] {
            assert_eq!(ending(status), Ending::Error, "{status}");
        }
    }

    #[test]
    fn faults_are_the_components_or_beside_it() {
        let of = |fault: Fault| Ending::from(&fault);
        for fault in [Fault::Trap, Fault::NoResponse, Fault::OutOfFuel] {
            assert_eq!(of(fault), Ending::Trap);
        }
        assert_eq!(of(Fault::Cpu), Ending::Timeout);
        assert_eq!(of(Fault::Timeout), Ending::Timeout);
        assert_eq!(of(Fault::Memory), Ending::Memory);
        let guest = Fault::GuestError(ProxyError::DnsError);
        for fault in [
            guest,
            Fault::Overloaded,
            Fault::Unavailable,
            Fault::Internal,
        ] {
            assert_eq!(of(fault), Ending::Error);
        }
        let retry_after = MILLISECOND;
        for fault in [
            Fault::NoRoute,
            Fault::MethodNotAllowed {
                allow: String::new(),
            },
            Fault::Malformed(""),
            Fault::BodyTooLarge,
            Fault::UriTooLong,
            Fault::HeadTooLarge,
            Fault::RequestTimeout,
            Fault::RateLimited { retry_after },
            Fault::Draining,
        ] {
            assert_eq!(of(fault), Ending::Beside);
        }
    }

    #[test]
    fn a_response_that_breaks_off_is_an_error_but_no_second_request() {
        let tally = Tally::default();
        tally.count(MILLISECOND, Ending::Good);
        tally.broke_off(&Fault::Trap);
        assert_eq!(counts(&tally.read()), [1, 1, 1, 0, 0]);
        tally.broke_off(&Fault::Timeout);
        assert_eq!(counts(&tally.read()), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn counting_at_once_loses_nothing_and_shows_no_error_without_its_request() {
        const THREADS: u64 = 4;
        const CALLS: u64 = 20_000;
        let (tally, done) = (Tally::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let reading = tally.read();
                    assert!(reading.errors <= reading.requests());
                    assert!(reading.traps <= reading.errors);
                }
            });
            let count = |thread: u64| {
                let tally = &tally;
                move || {
                    for call in 0..CALLS {
                        let duration = Duration::from_micros(thread * CALLS + call);
                        let ending = if call % 2 == 0 {
                            Ending::Good
                        } else {
                            Ending::Trap
                        };
                        tally.count(duration, ending);
                    }
                }
            };
            let counters: Vec<_> = (0..THREADS).map(|it| scope.spawn(count(it))).collect();
            counters.into_iter().for_each(|it| it.join().unwrap());
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        let (calls, half) = (THREADS * CALLS, THREADS * CALLS / 2);
        assert_eq!(counts(&tally.read()), [calls, half, half, 0, 0]);
    }
}
