//! The slow lane: where guests go that hold a thread for long.
//!
//! Its threads have a lower scheduling priority than those that answer requests, so a
//! spinning guest gets the time that nobody else wants.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cpu;

/// Weight 110 against 1,024 of an ordinary thread (sched(7)).
const NICE: i32 = 10;

/// Calls that a version must serve quickly before it is trusted with serving threads again.
const PROBATION: u32 = 16;

/// Whether the guests of one version compute for long. After one has, the next calls
/// begin in the slow lane, so that serving threads pay for the first one only.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU32);

impl Pace {
    pub fn is_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// A call in the slow lane has ended.
    pub fn judge(&self, overran: bool) {
        let next = |left: u32| {
            Some(if overran {
                PROBATION
            } else {
                left.saturating_sub(1)
            })
        };
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }
}

/// A runtime of its own for guests that compute.
pub struct SlowLane {
    runtime: Option<tokio::runtime::Runtime>,
}

impl SlowLane {
    /// # Errors
    /// The threads cannot be started.
    pub fn start(threads: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("airgate-slow")
            .on_thread_start(|| {
                cpu::count_thread_time();
                // Where it is not permitted the lane still isolates, only less well.
                let _ = rustix::process::setpriority_process(None, NICE);
            })
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }
}

impl Drop for SlowLane {
    fn drop(&mut self) {
        // Waiting for a guest here would block whoever drops the lane.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_slow_until_it_has_been_quick_for_a_while() {
        let pace = Pace::default();
        assert!(!pace.is_slow());
        pace.judge(true);
        for _ in 0..PROBATION {
            assert!(pace.is_slow());
            pace.judge(false);
        }
        assert!(!pace.is_slow());
    }
}
