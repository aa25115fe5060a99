//! What happens to versions and traffic, told to who watches.
//!
//! Keeps the last [`KEPT`] events, so that who comes back can hear what it missed, and lets a
//! watcher fall [`BEHIND`] events behind before it loses some. It never waits for a watcher.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError};

use super::DeliveryEvent;
use crate::core::Timestamp;

/// Events that are told again to who asks for them.
const KEPT: usize = 1_000;
/// Events that one watcher may be behind.
const BEHIND: usize = 256;

/// Keeps the last events and passes on new ones.
pub struct Events {
    past: Mutex<Past>,
    live: broadcast::Sender<Arc<DeliveryEvent>>,
}

struct Past {
    /// The first id of this process.
    first: u64,
    next: u64,
    /// The oldest first, without gaps between their ids.
    kept: VecDeque<Arc<DeliveryEvent>>,
}

/// What a watcher is told.
#[derive(Debug, Clone)]
pub enum Told {
    Event(Arc<DeliveryEvent>),
    /// So many events are lost to this watcher; 0: nobody knows how many, as another
    /// process told them.
    Lagged(u64),
}

impl Events {
    /// The first event gets this id: one above those that earlier processes gave.
    pub fn new(first_id: u64) -> Self {
        let past = Past {
            first: first_id,
            next: first_id,
            kept: VecDeque::new(),
        };
        Self {
            past: Mutex::new(past),
            live: broadcast::Sender::new(BEHIND),
        }
    }

    /// Tells an event to everybody who watches, under the next id, whatever it had.
    pub fn publish(&self, mut event: DeliveryEvent) {
        let mut past = self.past();
        event.id = past.next;
        past.next += 1;
        let event = Arc::new(event);
        if past.kept.len() == KEPT {
            past.kept.pop_front();
        }
        past.kept.push_back(event.clone());
        // Under the lock, so that a subscription has it from one side and not from both.
        // It fails where nobody watches.
        let _ = self.live.send(event);
    }

    /// What comes from now on, and before it what came after the event `after`, as far as it
    /// is kept.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let past = self.past();
        let missed = after.map_or_else(VecDeque::new, |after| past.after(after));
        Subscription {
            missed,
            live: self.live.subscribe(),
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins with the milliseconds since 1970: no process has told an event a millisecond for
/// all of its life.
impl Default for Events {
    fn default() -> Self {
        Self::new(Timestamp::now().as_millis())
    }
}

impl Past {
    fn after(&self, after: u64) -> VecDeque<Told> {
        let events = || self.kept.iter().cloned().map(Told::Event);
        let wanted = after.saturating_add(1);
        if wanted < self.first || after >= self.next {
            return [Told::Lagged(0)].into_iter().chain(events()).collect();
        }
        let oldest = self.next - self.kept.len() as u64;
        let lost = oldest.saturating_sub(wanted);
        let known = wanted.saturating_sub(oldest) as usize;
        let lagged = (lost > 0).then_some(Told::Lagged(lost));
        lagged.into_iter().chain(events().skip(known)).collect()
    }
}

/// One watcher.
pub struct Subscription {
    missed: VecDeque<Told>,
    live: broadcast::Receiver<Arc<DeliveryEvent>>,
}

impl Subscription {
    /// The next event in the order of their ids; `None` when there will be none. Whoever stops
    /// waiting loses nothing.
    pub async fn next(&mut self) -> Option<Told> {
        if let Some(told) = self.missed.pop_front() {
            return Some(told);
        }
        match self.live.recv().await {
            Ok(event) => Some(Told::Event(event)),
            Err(RecvError::Lagged(lost)) => Some(Told::Lagged(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> DeliveryEvent {
        DeliveryEvent {
            id: 0,
            at: Timestamp::now(),
            kind: "step",
            component: "cart".into(),
            by: "analysis".into(),
            version: None,
            reason: None,
            status: None,
        }
    }

    fn publish(events: &Events, count: u64) {
        (0..count).for_each(|_| events.publish(event()));
    }

    /// The next as an id, or as the negative number of lost ones.
    async fn next(subscription: &mut Subscription) -> i64 {
        match subscription.next().await.unwrap() {
            Told::Event(event) => event.id as i64,
            Told::Lagged(lost) => -(lost as i64),
        }
    }

    async fn told(subscription: &mut Subscription, count: usize) -> Vec<i64> {
        let mut told = Vec::new();
        for _ in 0..count {
            told.push(next(subscription).await);
        }
        told
    }

    #[tokio::test]
    async fn who_comes_back_hears_what_it_missed_and_then_what_is_new() {
        let events = Events::new(10);
        publish(&events, 3);
        let (mut back, mut new) = (events.subscribe(Some(10)), events.subscribe(None));
        let mut all = events.subscribe(Some(9));
        publish(&events, 1);
        assert_eq!(told(&mut back, 3).await, [11, 12, 13]);
        assert_eq!(told(&mut new, 1).await, [13]);
        assert_eq!(told(&mut all, 4).await, [10, 11, 12, 13]);
    }

    #[tokio::test]
    async fn what_is_kept_no_more_is_counted() {
        let events = Events::new(1);
        publish(&events, KEPT as u64 + 5);
        let mut back = events.subscribe(Some(2));
        // 3, 4 and 5 are gone.
        assert_eq!(told(&mut back, 2).await, [-3, 6]);
        assert_eq!(events.past().kept.len(), KEPT);
    }

    #[tokio::test]
    async fn an_id_of_another_process_brings_everything_and_a_warning() {
        let events = Events::new(100);
        publish(&events, 1);
        for after in [0, 98, 1_000, u64::MAX] {
            let mut back = events.subscribe(Some(after));
            publish(&events, 1);
            let newest = events.past().next as i64 - 1;
            let kept = newest as usize - 99;
            let told = told(&mut back, kept + 1).await;
            assert_eq!((told[0], told[1]), (0, 100), "{after}");
            assert_eq!(told.last(), Some(&newest), "{after}");
        }
    }

    #[tokio::test]
    async fn who_is_slow_learns_how_much_it_lost_and_goes_on() {
        let events = Events::new(1);
        let mut slow = events.subscribe(None);
        publish(&events, BEHIND as u64 + 7);
        assert_eq!(told(&mut slow, 2).await, [-7, 8]);
    }

    #[tokio::test]
    async fn it_ends_with_its_source() {
        let events = Events::new(1);
        let mut subscription = events.subscribe(None);
        publish(&events, 1);
        drop(events);
        assert_eq!(next(&mut subscription).await, 1);
        assert!(subscription.next().await.is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_lost_or_told_twice_while_others_publish() {
        for _ in 0..50 {
            everything_is_told_once().await;
        }
    }

    async fn everything_is_told_once() {
        // Together few enough that nobody can be too far behind.
        const EACH: u64 = BEHIND as u64 / 2;
        const LAST: i64 = 2 * EACH as i64;
        let events = Arc::new(Events::new(1));
        let publishers = [(); 2].map(|()| {
            let events = events.clone();
            std::thread::spawn(move || publish(&events, EACH))
        });
        let mut last = 0;
        while last < LAST {
            // Again and again from where it was, in the middle of it all.
            let mut subscription = events.subscribe(Some(last as u64));
            for _ in 0..20.min(LAST - last) {
                assert_eq!(next(&mut subscription).await, last + 1);
                last += 1;
            }
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(events.past().next, LAST as u64 + 1);
    }
}
