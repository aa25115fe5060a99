//! Where a request waits for its replies.
//!
//! Bounded by the replies that are wanted, and their bytes. An address is a secret between
//! who asks and who gets the request: nothing can subscribe to it, and nobody can guess it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::core::{ByteSize, HandleError, Message, MessageError, PublishError, RequestError};

/// Replies that one request can have.
pub const MOST_REPLIES: u32 = 1024;
/// Bytes that the replies of one request can have, as [`Message::weight`] counts them.
const MOST_BYTES: u64 = 64 << 20;

/// What a request has got, and what it can still get.
pub struct Inbox {
    state: Mutex<State>,
    stopped: Notify,
}

struct State {
    wanted: usize,
    replies: Vec<Message>,
    bytes: u64,
    /// Who got the request and is not done; the one that hands it out is one as well.
    pending: usize,
    /// The first of those who failed.
    error: Option<HandleError>,
    open: bool,
    is_stopped: bool,
    waker: Option<Waker>,
}

impl Inbox {
    /// With one pending: who hands the request out.
    pub fn new(wanted: u32) -> Self {
        Self {
            state: Mutex::new(State {
                wanted: wanted.clamp(1, MOST_REPLIES) as usize,
                replies: Vec::new(),
                bytes: 0,
                pending: 1,
                error: None,
                open: true,
                is_stopped: false,
                waker: None,
            }),
            stopped: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// It has enough, or can take no more.
    pub fn reply(&self, message: Message) -> Result<(), PublishError> {
        let mut state = self.state();
        if !state.open || state.replies.len() >= state.wanted {
            return Err(PublishError::NoRequester);
        }
        let size = state.bytes + message.weight() as u64;
        if size > MOST_BYTES {
            let (size, limit) = (ByteSize(size), ByteSize(MOST_BYTES));
            return Err(MessageError::Body { size, limit }.into());
        }
        state.bytes = size;
        state.replies.push(message);
        if state.replies.len() >= state.wanted {
            wake(state);
        }
        Ok(())
    }

    /// Somebody more gets it.
    pub fn expect(&self) {
        self.state().pending += 1;
    }

    /// Somebody who got it will do no more about it.
    pub fn done(&self, error: Option<HandleError>) {
        let mut state = self.state();
        state.pending -= 1;
        state.error = state.error.take().or(error);
        if state.pending == 0 {
            wake(state);
        }
    }

    /// Ready with enough replies, or when there can be no more.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Vec<Message>, RequestError>> {
        let mut state = self.state();
        if state.replies.len() >= state.wanted {
            return Poll::Ready(Ok(state.close()));
        }
        if state.pending > 0 {
            let waker = &mut state.waker;
            match waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        let replies = state.close();
        Poll::Ready(match (replies.is_empty(), state.error.take()) {
            (false, _) => Ok(replies),
            (true, Some(error)) => Err(RequestError::Failed(error)),
            (true, None) => Err(RequestError::NoReply),
        })
    }

    /// What came in time.
    pub fn expire(&self) -> Result<Vec<Message>, RequestError> {
        let replies = self.state().close();
        match replies.is_empty() {
            true => Err(RequestError::TimedOut),
            false => Ok(replies),
        }
    }

    /// Nobody waits any more: handlers that run for it need not go on.
    pub fn stop(&self) {
        let mut state = self.state();
        state.open = false;
        state.is_stopped = true;
        drop(state);
        self.stopped.notify_waiters();
    }

    /// Returns when nobody waits any more.
    pub async fn stopped(&self) {
        let stopped = self.stopped.notified();
        if !self.state().is_stopped {
            stopped.await;
        }
    }
}

impl State {
    fn close(&mut self) -> Vec<Message> {
        self.open = false;
        std::mem::take(&mut self.replies)
    }
}

/// Not under the lock: a waker may run anything.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
