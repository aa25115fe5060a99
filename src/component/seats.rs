//! How many requests may have an instance to themselves. Taking a free seat is one atomic
//! operation; only who finds none waits, for a moment and in bounded number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

pub(crate) struct Seats {
    limit: u32,
    taken: AtomicU32,
    waiting: AtomicU32,
    freed: Notify,
}

impl Seats {
    pub fn new(limit: u32) -> Arc<Self> {
        let (taken, waiting) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self {
            limit,
            taken,
            waiting,
            freed: Notify::new(),
        })
    }

    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn try_take(self: &Arc<Self>) -> Option<Seat> {
        let enter = |taken: u32| (taken < self.limit).then(|| taken + 1);
        self.taken
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, enter)
            .ok()?;
        Some(Seat(self.clone()))
    }

    /// Waits for a seat. `None` when as many as there are seats wait already, or none
    /// becomes free in time.
    pub async fn wait(self: &Arc<Self>, patience: Duration) -> Option<Seat> {
        let _place = Place::take(&self.waiting, self.limit)?;
        let seat = async {
            loop {
                // Registered before looking, so that no seat is freed unseen in between.
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if let Some(seat) = self.try_take() {
                    return seat;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, seat).await.ok()
    }
}

/// The right to one instance.
pub(crate) struct Seat(Arc<Seats>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicU32, limit: u32) -> Option<Self> {
        let enter = |waiting: u32| (waiting < limit).then(|| waiting + 1);
        waiting
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, enter)
            .ok()?;
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_freed_seat_goes_to_who_waits() {
        let seats = Seats::new(1);
        let seat = seats.try_take().unwrap();
        assert!(seats.try_take().is_none());
        let waiting = tokio::spawn({
            let seats = seats.clone();
            async move { seats.wait(MOMENT).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(seat);
        assert!(waiting.await.unwrap());
        assert_eq!(seats.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_and_queue_are_bounded() {
        let seats = Seats::new(1);
        let _seat = seats.try_take().unwrap();
        let (first, second) = tokio::join!(seats.wait(MOMENT), async {
            let began = tokio::time::Instant::now();
            (seats.wait(MOMENT).await.is_none(), began.elapsed())
        });
        assert!(first.is_none());
        assert_eq!(second, (true, Duration::ZERO), "the queue is full");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wakeup_is_lost() {
        let seats = Seats::new(2);
        let rounds = (0..200).map(|_| {
            let seats = seats.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let seat = match seats.try_take() {
                        Some(seat) => Some(seat),
                        None => seats.wait(Duration::from_secs(20)).await,
                    };
                    tokio::task::yield_now().await;
                    drop(seat);
                }
            })
        });
        futures_util::future::join_all(rounds).await;
        assert_eq!(seats.taken(), 0);
    }
}
