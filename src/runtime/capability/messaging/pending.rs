//! Requests that a guest does not wait for: `pending-reply` of `airssys:core/host-messaging`.
//! Bounded in number for one instance; none outlives the call that began it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::failure::Failure;
use crate::core::Message;
use crate::runtime::guest::Guest;

type Answer = Result<Message, Failure>;

/// A request under way. Dropping it cancels the request.
pub struct PendingReply {
    slot: Arc<Slot>,
    task: AbortOnDropJoinHandle<()>,
}

/// Where the answer is put.
struct Slot {
    state: Mutex<State>,
    changed: Notify,
}

enum State {
    Waiting(OwnedSemaphorePermit),
    /// The place is given back when the guest has its answer, since an answer takes memory too.
    Answered(Box<Answer>, OwnedSemaphorePermit),
    Taken,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first answer counts.
    fn put(&self, answer: Answer) {
        let mut state = self.lock();
        *state = match std::mem::replace(&mut *state, State::Taken) {
            State::Waiting(permit) => State::Answered(Box::new(answer), permit),
            state => state,
        };
        drop(state);
        self.changed.notify_waiters();
    }

    fn take(&self) -> Option<Answer> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer, _place) => Some(*answer),
            waiting @ State::Waiting(_) => {
                *state = waiting;
                None
            }
            State::Taken => None,
        }
    }

    async fn answered(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if !matches!(*self.lock(), State::Waiting(_)) {
                return;
            }
            changed.await;
        }
    }
}

/// Puts an end to the waiting, however its task ends.
struct Ending(Arc<Slot>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.put(Err(Failure::Cancelled));
    }
}

impl PendingReply {
    fn begin(
        request: impl Future<Output = Result<Vec<Message>, Failure>> + Send + 'static,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let slot = Arc::new(Slot {
            state: Mutex::new(State::Waiting(place)),
            changed: Notify::new(),
        });
        let ending = Ending(slot.clone());
        let task = spawn(async move {
            let answer = request.await.and_then(first);
            ending.0.put(answer);
        });
        Self { slot, task }
    }

    /// The answer, once.
    pub(super) fn take(&self) -> Option<Answer> {
        self.slot.take()
    }

    pub(super) fn cancel(&self) {
        self.task.abort();
        self.slot.put(Err(Failure::Cancelled));
    }

    /// The call that began it is over: what it has is given back.
    pub(super) fn end(&self) {
        self.cancel();
        drop(self.slot.take());
    }
}

/// The first reply. A bus that has none says so by an error.
pub(super) fn first(replies: Vec<Message>) -> Answer {
    replies.into_iter().next().ok_or(Failure::NoReply)
}

/// Ready when a request is answered. It has a share in the answer's place, so it may outlive
/// the request that it is for.
struct Waiter(Arc<Slot>);

#[wasmtime_wasi::async_trait]
impl Pollable for Waiter {
    async fn ready(&mut self) {
        self.0.answered().await;
    }
}

impl Guest {
    /// A place for one more request that is not waited for.
    pub(super) fn pending_place(&mut self) -> Result<OwnedSemaphorePermit, Failure> {
        let most = self.recipe().bounds.pending_replies as usize;
        let make = || Arc::new(Semaphore::new(most));
        let places = self.mail.pending.get_or_insert_with(make).clone();
        places
            .try_acquire_owned()
            .map_err(|_| Failure::TooManyPending)
    }

    pub(super) fn begin_pending(
        &mut self,
        request: impl Future<Output = Result<Vec<Message>, Failure>> + Send + 'static,
        place: OwnedSemaphorePermit,
    ) -> wasmtime::Result<Resource<PendingReply>> {
        self.touch();
        Ok(self.table().push(PendingReply::begin(request, place))?)
    }

    pub(super) fn wait_for_pending(
        &mut self,
        handle: &Resource<PendingReply>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let slot = self.table().get(handle)?.slot.clone();
        let waiter = self.table().push(Waiter(slot))?;
        subscribe(self.table(), waiter)
    }
}
