//! Whether anything waits or runs anywhere on the bus: what drain waits for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the queues that are not idle.
#[derive(Default)]
pub struct Activity {
    busy: AtomicUsize,
    draining: AtomicBool,
    idle: Notify,
}

impl Activity {
    pub fn begin(&self) {
        self.busy.fetch_add(1, Ordering::SeqCst);
    }

    pub fn end(&self) {
        if self.busy.fetch_sub(1, Ordering::SeqCst) == 1 && self.is_draining() {
            self.idle.notify_waiters();
        }
    }

    pub fn start_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Returns when nothing waits or runs.
    pub async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.busy.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}
