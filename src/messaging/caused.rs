//! How many messages each request at the edge has caused: depth bounds how long a loop is, this
//! how broad. Ten messages for every message would be 10^16 sixteen deep.
//!
//! Bounded in requests: those whose last message is longest ago are forgotten first, and may
//! cause as many again. One that causes messages all the time is never among them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bus::LocalBus;
use super::warnings::Warnings;
use crate::core::{Message, PublishError, RequestId};

/// Side by side, so that messages of several requests seldom meet at one lock.
const SHELVES: usize = 16;
/// Requests that are remembered, of which those that were idle go first: half of them at a time.
const REQUESTS: usize = 100_000;
const HALF_A_SHELF: usize = REQUESTS / SHELVES / 2;

/// Counts messages by the request that caused them.
#[derive(Default)]
pub struct Caused {
    shelves: [Mutex<Shelf>; SHELVES],
    warnings: Warnings,
}

#[derive(Default)]
struct Shelf {
    young: HashMap<RequestId, u32>,
    /// Not heard of since the young ones began.
    old: HashMap<RequestId, u32>,
}

impl Caused {
    /// One more. Answers how many there are.
    pub fn count(&self, request: RequestId) -> u32 {
        self.shelf(request).count(request)
    }

    /// Begins anew for a request, because somebody takes what it caused up again.
    pub fn forget(&self, request: RequestId) {
        let mut shelf = self.shelf(request);
        shelf.young.remove(&request);
        shelf.old.remove(&request);
    }

    fn shelf(&self, request: RequestId) -> MutexGuard<'_, Shelf> {
        let place = request.spread() % SHELVES as u64;
        let shelf = &self.shelves[place as usize];
        shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn count(&mut self, request: RequestId) -> u32 {
        if let Some(count) = self.young.get_mut(&request) {
            *count = count.saturating_add(1);
            return *count;
        }
        let count = self.old.remove(&request).unwrap_or(0).saturating_add(1);
        if self.young.len() == HALF_A_SHELF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(request, count);
        count
    }
}

impl LocalBus {
    /// Counts a message that somebody gets among those that its request has caused. What a
    /// client sends itself is caused by nobody.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn charge(&self, message: &Message) -> Result<(), PublishError> {
        if message.origin.depth == 0 {
            return Ok(());
        }
        let most = self.spec.load().max_caused.get();
        if self.caused.count(message.origin.id) <= most {
            return Ok(());
        }
        self.warn_of_breadth(message, most);
        Err(PublishError::TooDeep)
    }

    fn warn_of_breadth(&self, message: &Message, max_caused: u32) {
        if let Some(others) = self.caused.warnings.may() {
            tracing::warn!(
                topic = %message.topic, publisher = %message.publisher,
                request_id = %message.origin.id, max_caused, others,
                "one request has caused too many messages: a loop"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_requests_are_remembered_as_there_is_room_for() {
        let caused = Caused::default();
        for _ in 0..3 * REQUESTS {
            assert_eq!(caused.count(RequestId::next()), 1);
        }
        let shelves = caused.shelves.iter().map(|shelf| shelf.lock().unwrap());
        let kept: usize = shelves.map(|it| it.young.len() + it.old.len()).sum();
        assert!((REQUESTS / 2..=REQUESTS).contains(&kept), "{kept}");
    }

    #[test]
    fn a_request_that_goes_on_is_not_forgotten_for_others() {
        let caused = Caused::default();
        let (busy, idle) = (RequestId::next(), RequestId::next());
        caused.count(idle);
        for number in 1..=10_000 {
            assert_eq!(caused.count(busy), number);
            for _ in 0..30 {
                caused.count(RequestId::next());
            }
        }
        assert_eq!(caused.count(idle), 1, "it was");
    }

    #[test]
    fn what_is_taken_up_again_begins_anew() {
        let caused = Caused::default();
        let request = RequestId::next();
        assert_eq!([caused.count(request), caused.count(request)], [1, 2]);
        caused.forget(request);
        assert_eq!(caused.count(request), 1);
    }
}
