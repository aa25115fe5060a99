//! The slow lane: where guests go that hold a thread for long.
//!
//! Its threads have a lower scheduling priority than those that answer requests, so a
//! spinning guest gets the time that nobody else wants.

use std::io;

use super::cpu;

/// Weight 110 against 1,024 of an ordinary thread (sched(7)).
const NICE: i32 = 10;

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
