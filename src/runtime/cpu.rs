//! The CPU limit: what a guest really runs, enforced by preemption.
//!
//! [`Metered`] notes when a poll of a guest begins; the epoch callback, which runs inside
//! that poll, asks how long the guest has run by now. A guest past its budget traps. One
//! that has held the thread for long yields, and is moved to the slow lane, so that it
//! never keeps a thread that answers requests from its neighbours.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use wasmtime::UpdateDeadline;

use super::engine::EPOCH_TICK;

/// A guest that runs this long without a pause is a slow one.
const LONG_RUN: Duration = EPOCH_TICK.checked_div(2).expect("two is not zero");

/// The guest used up its CPU budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("guest ran for {spent:?}, its limit is {budget:?}")]
pub(crate) struct OverCpu {
    pub spent: Duration,
    pub budget: Duration,
}

/// The guest that this thread polls now.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Spent before this poll.
    before: Duration,
    /// When this poll began, by [`run_clock`].
    since: Duration,
    /// The thread's own time when the guest first seemed to run for long.
    suspected: Option<Duration>,
    overran: bool,
}

thread_local! {
    static RUN: Cell<Run> = const { Cell::new(Run { before: Duration::ZERO, since: Duration::ZERO, suspected: None, overran: false }) };
    static COUNTS_THREAD_TIME: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread count its own CPU time instead of the time that passes: dearer, but
/// right where the kernel takes the processor away, as it does in the slow lane.
pub(crate) fn count_thread_time() {
    COUNTS_THREAD_TIME.set(true);
}

/// Only differences on one thread, within one poll, mean anything.
fn run_clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    if COUNTS_THREAD_TIME.get() {
        thread_time()
    } else {
        START.elapsed()
    }
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

impl Run {
    fn this_poll(&self) -> Duration {
        run_clock().saturating_sub(self.since)
    }
}

/// Gives the guest that this thread polls a new budget: it begins another request.
pub(crate) fn renew_budget() {
    let run = RUN.get();
    RUN.set(Run {
        before: Duration::ZERO,
        since: run_clock(),
        ..run
    });
}

/// The epoch callback: trap, yield or go on.
pub(crate) fn on_tick(budget: Duration) -> wasmtime::Result<UpdateDeadline> {
    let run = RUN.get();
    let this_poll = run.this_poll();
    let spent = run.before + this_poll;
    if (spent < budget && this_poll < LONG_RUN) || !is_really_running(run) {
        return Ok(UpdateDeadline::Continue(1));
    }
    if spent >= budget {
        return Err(wasmtime::Error::new(OverCpu { spent, budget }));
    }
    RUN.set(Run {
        overran: true,
        suspected: None,
        ..run
    });
    Ok(UpdateDeadline::Yield(1))
}

/// On a serving thread time passes also while the kernel runs somebody else. So a guest
/// that seems to run for long is only suspected, and judged by the thread's own time at
/// the next tick: by then an innocent one has long been done.
fn is_really_running(run: Run) -> bool {
    if COUNTS_THREAD_TIME.get() {
        return true;
    }
    match run.suspected {
        Some(from) => thread_time().saturating_sub(from) >= LONG_RUN,
        None => {
            RUN.set(Run {
                suspected: Some(thread_time()),
                ..run
            });
            false
        }
    }
}

pin_project! {
    /// A future that runs a guest, and how long it has run.
    pub(crate) struct Metered<F> {
        #[pin]
        future: F,
        spent: Duration,
        overran: bool,
    }
}

impl<F> Metered<F> {
    pub fn new(future: F) -> Self {
        Self {
            future,
            spent: Duration::ZERO,
            overran: false,
        }
    }

    /// The guest held a thread for long: it belongs in the slow lane.
    pub fn overran(&self) -> bool {
        self.overran
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = (F::Output, Duration);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let run = Run {
            before: *this.spent,
            since: run_clock(),
            suspected: None,
            overran: false,
        };
        let outer = RUN.replace(run);
        let polled = this.future.poll(cx);
        let run = RUN.replace(outer);
        *this.spent = run.before + run.this_poll();
        *this.overran |= run.overran;
        polled.map(|output| (output, *this.spent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(before: Duration) {
        RUN.set(Run {
            before,
            since: run_clock(),
            suspected: None,
            overran: false,
        });
    }

    fn spin(time: Duration) {
        let until = thread_time() + time;
        while thread_time() < until {}
    }

    #[test]
    fn a_run_past_its_budget_is_an_error() {
        begin(Duration::from_secs(2));
        let budget = Duration::from_secs(1);
        assert!(
            matches!(on_tick(budget), Ok(UpdateDeadline::Continue(_))),
            "first suspected"
        );
        spin(LONG_RUN);
        let error = on_tick(budget).err().unwrap();
        assert_eq!(error.downcast_ref::<OverCpu>().unwrap().budget, budget);
    }

    #[test]
    fn a_short_run_goes_on_and_a_long_one_yields() {
        let tick = || on_tick(Duration::from_secs(60));
        // Where the kernel takes the thread away just here, the run only looks like a long one.
        let is_trusted = |_| {
            begin(Duration::ZERO);
            assert!(matches!(tick(), Ok(UpdateDeadline::Continue(_))));
            RUN.get().suspected.is_none()
        };
        assert!((0..100).any(is_trusted), "a short run is suspected");
        spin(2 * LONG_RUN);
        assert!(
            matches!(tick(), Ok(UpdateDeadline::Continue(_))),
            "first suspected"
        );
        spin(LONG_RUN);
        assert!(matches!(tick(), Ok(UpdateDeadline::Yield(_))));
        assert!(RUN.get().overran);
    }

    #[test]
    fn a_guest_whose_thread_was_taken_away_is_not_a_slow_one() {
        begin(Duration::ZERO);
        for _ in 0..4 {
            std::thread::sleep(LONG_RUN);
            assert!(matches!(
                on_tick(Duration::from_secs(1)),
                Ok(UpdateDeadline::Continue(_))
            ));
        }
        assert!(!RUN.get().overran);
    }

    #[tokio::test]
    async fn time_spent_waiting_is_not_counted() {
        let wait = tokio::time::sleep(Duration::from_millis(500));
        let ((), spent) = Metered::new(wait).await;
        // Not none: the kernel may take the thread away in the middle of a poll.
        assert!(spent < Duration::from_millis(250), "{spent:?}");
    }
}
