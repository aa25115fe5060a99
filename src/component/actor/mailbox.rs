//! Who is next at one instance: one call after the other, in the order in which they came.
//!
//! As many wait as the mailbox holds; whoever comes then is told at once. Those who have lost
//! patience take no place from others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

/// The queue in front of one instance.
pub(super) struct Mailbox {
    most: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    busy: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to the instance. Dropping it gives it to the next one.
pub(super) struct Turn(Option<Arc<Mailbox>>);

/// A place in the queue. Dropping it gives it up.
pub(super) enum Place {
    Now(Turn),
    Later(oneshot::Receiver<Turn>),
}

impl Mailbox {
    /// At most `most` wait.
    pub fn new(most: usize) -> Arc<Self> {
        let line = Mutex::default();
        Arc::new(Self { most, line })
    }

    /// Joins the end of the queue; `None` where it is full.
    pub fn join(self: &Arc<Self>) -> Option<Place> {
        let mut line = self.lock();
        if !line.busy {
            return Some(self.begin(line));
        }
        if line.waiting.len() >= self.most {
            line.waiting.retain(|waiting| !waiting.is_closed());
        }
        if line.waiting.len() >= self.most {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        line.waiting.push_back(sender);
        Some(Place::Later(receiver))
    }

    /// Goes before all who wait, and needs no room: for the gateway itself.
    pub fn go_first(self: &Arc<Self>) -> Place {
        let mut line = self.lock();
        if !line.busy {
            return self.begin(line);
        }
        let (sender, receiver) = oneshot::channel();
        line.waiting.push_front(sender);
        Place::Later(receiver)
    }

    fn begin(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) -> Place {
        line.busy = true;
        Place::Now(Turn(Some(self.clone())))
    }

    /// A turn is over.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut line = self.lock();
                let next = line.waiting.pop_front();
                line.busy = next.is_some();
                next
            };
            let Some(next) = next else { return };
            match next.send(Turn(Some(self.clone()))) {
                Ok(()) => return,
                // Nobody waits there any more. Dropping the turn would come back to here.
                Err(mut turn) => turn.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mailbox) = self.0.take() {
            mailbox.pass_on();
        }
    }
}

impl Place {
    /// Waits for the turn; `None` when it has not come by `deadline`.
    pub async fn turn(self, deadline: Instant) -> Option<Turn> {
        match self {
            Self::Now(turn) => Some(turn),
            Self::Later(receiver) => {
                let turn = tokio::time::timeout_at(deadline, receiver).await;
                turn.ok()?.ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_joining() {
        let mailbox = Mailbox::new(100);
        let first = mailbox.join().unwrap().turn(soon()).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let places: Vec<_> = (0..50)
            .map(|number| (number, mailbox.join().unwrap()))
            .collect();
        // Whoever is asked first: the place counts.
        let tasks = places.into_iter().rev().map(|(number, place)| {
            let order = order.clone();
            tokio::spawn(async move {
                let _turn = place.turn(soon()).await.unwrap();
                tokio::task::yield_now().await;
                order.lock().unwrap().push(number);
            })
        });
        let tasks: Vec<_> = tasks.collect();
        drop(first);
        futures_util::future::join_all(tasks).await;
        assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_mailbox_says_so_at_once() {
        let mailbox = Mailbox::new(2);
        let _turn = mailbox.join().unwrap();
        let _waiting = [mailbox.join().unwrap(), mailbox.join().unwrap()];
        assert!(mailbox.join().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_left_takes_no_place_and_no_turn() {
        let mailbox = Mailbox::new(2);
        let turn = mailbox.join().unwrap();
        drop([mailbox.join().unwrap(), mailbox.join().unwrap()]);
        let third = mailbox.join().unwrap();
        drop(turn);
        assert!(third.turn(soon()).await.is_some());
        assert!(matches!(mailbox.join(), Some(Place::Now(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_came_and_was_not_taken_goes_on() {
        let mailbox = Mailbox::new(2);
        let turn = mailbox.join().unwrap();
        let (second, third) = (mailbox.join().unwrap(), mailbox.join().unwrap());
        drop(turn);
        drop(second);
        assert!(third.turn(soon()).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_gateway_goes_first_even_into_a_full_mailbox() {
        let mailbox = Mailbox::new(1);
        let turn = mailbox.join().unwrap();
        let waiting = mailbox.join().unwrap();
        let first = mailbox.go_first();
        drop(turn);
        let first = first.turn(soon()).await.unwrap();
        let patience = Instant::now() + Duration::from_millis(10);
        assert!(waiting.turn(patience).await.is_none());
        drop(first);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let mailbox = Mailbox::new(1);
        let _turn = mailbox.join().unwrap();
        let place = mailbox.join().unwrap();
        let began = Instant::now();
        assert!(place.turn(soon()).await.is_none());
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }
}
