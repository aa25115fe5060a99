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
    /// Told when a seat, or anything else that somebody may wait for, is free.
    room: Arc<Notify>,
}

impl Seats {
    pub fn new(limit: u32, room: Arc<Notify>) -> Arc<Self> {
        let (taken, waiting) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self {
            limit,
            taken,
            waiting,
            room,
        })
    }

    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn try_take(self: &Arc<Self>) -> Option<Seat> {
        let enter = |taken: u32| (taken < self.limit).then(|| taken + 1);
        self.taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter)
            .ok()?;
        Some(Seat(self.clone()))
    }

    /// Tries again whenever there is room. `None` when `queue` others wait already, or
    /// nothing becomes free in time.
    pub async fn wait<T>(
        &self,
        queue: u32,
        patience: Duration,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let _place = Place::take(&self.waiting, queue)?;
        let attempts = async {
            loop {
                // Registered before trying, so that nothing becomes free unseen in between.
                let mut room = std::pin::pin!(self.room.notified());
                room.as_mut().enable();
                if let Some(found) = attempt() {
                    return found;
                }
                room.await;
            }
        };
        tokio::time::timeout(patience, attempts).await.ok()
    }
}

/// The right to one instance.
pub(crate) struct Seat(Arc<Seats>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.room.notify_one();
        }
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicU32, limit: u32) -> Option<Self> {
        let enter = |waiting: u32| (waiting < limit).then(|| waiting + 1);
        waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter)
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
        let seats = Seats::new(1, Arc::default());
        let seat = seats.try_take().unwrap();
        assert!(seats.try_take().is_none());
        let waiting = tokio::spawn({
            let seats = seats.clone();
            async move { seats.wait(1, MOMENT, || seats.try_take()).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(seat);
        assert!(waiting.await.unwrap());
        assert_eq!(seats.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_and_queue_are_bounded() {
        let seats = Seats::new(1, Arc::default());
        let _seat = seats.try_take().unwrap();
        let (first, second) = tokio::join!(seats.wait(1, MOMENT, || seats.try_take()), async {
            let began = tokio::time::Instant::now();
            let found = seats.wait(1, MOMENT, || seats.try_take()).await;
            (found.is_none(), began.elapsed())
        });
        assert!(first.is_none());
        assert_eq!(second, (true, Duration::ZERO), "the queue is full");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wakeup_is_lost() {
        let seats = Seats::new(2, Arc::default());
        let rounds = (0..200).map(|_| {
            let seats = seats.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let seat = match seats.try_take() {
                        Some(seat) => Some(seat),
                        None => {
                            seats
                                .wait(1_000, Duration::from_secs(20), || seats.try_take())
                                .await
                        }
                    };
                    assert!(seat.is_some(), "it waited in vain");
                    tokio::task::yield_now().await;
                    drop(seat);
                }
            })
        });
        let ended = futures_util::future::join_all(rounds).await;
        assert!(ended.iter().all(Result::is_ok));
        assert_eq!(seats.taken(), 0);
    }
}
