//! The tasks that handle what waits. They exist only while there is something to do, as many
//! at once as the subscription allows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listener::Listener;
use super::queue::Running;
use crate::core::{Fault, HandleError};

/// How long a pump goes on before it lets others of its thread have a turn.
const TURN: Duration = Duration::from_micros(100);

impl Listener {
    /// One that the queue counts already.
    pub(super) fn start_pump(self: &Arc<Self>) {
        self.runtime.spawn(pump(self.clone()));
    }

    /// Starts as many as the queue wants.
    pub(super) fn start_pumps(self: &Arc<Self>) {
        while self.with_queue(|queue| queue.wants_pump()) {
            self.start_pump();
        }
    }

    /// Sees to it that somebody waits for the next pause to end.
    pub(super) fn watch_pauses(self: &Arc<Self>) {
        let has_clock = self.with_queue(|queue| std::mem::replace(&mut queue.has_clock, true));
        match has_clock {
            true => self.sooner.notify_one(),
            false => _ = self.runtime.spawn(clock(self.clone())),
        }
    }
}

async fn pump(listener: Arc<Listener>) {
    let mut turn = Instant::now();
    let mut next = listener.with_queue(|queue| queue.begin());
    while let Some(running) = next {
        let result = run(&listener, &running).await;
        let now = Instant::now();
        next = listener.settle(running, result, now);
        if now.duration_since(turn) > TURN && next.is_some() {
            tokio::task::yield_now().await;
            turn = Instant::now();
        }
    }
}

async fn run(listener: &Listener, running: &Running) -> Result<(), HandleError> {
    let Some(inbox) = &running.entry.inbox else {
        return listener.handling(&running.entry).await;
    };
    tokio::select! {
        biased;
        () = inbox.stopped() => Err(HandleError::Fault(Fault::Timeout)),
        result = async { listener.handling(&running.entry).await } => result,
    }
}

/// Ends pauses when they are over, until there is none.
async fn clock(listener: Arc<Listener>) {
    let next_due = || {
        listener.with_queue(|queue| {
            let due = queue.next_due();
            queue.has_clock = due.is_some();
            due
        })
    };
    while let Some(due) = next_due() {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {
                listener.with_queue(|queue| queue.end_pauses(Some(due)));
                listener.start_pumps();
            }
            () = listener.sooner.notified() => {}
        }
    }
}
