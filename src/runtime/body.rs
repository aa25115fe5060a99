//! Bodies between client and guest, both ways with backpressure.
//!
//! The request body is bounded in size and in how long the client may pause. The response
//! body ends as it should, or as an error that makes the connection show it: a guest that
//! fails in the middle never looks like one that was done.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use self::source::Source;
use self::watch::{Fate, STALLED, TOO_LARGE};
use super::detached::Verdict;
use super::error::{BodyError, InvokeError};
use crate::core::ByteSize;
use crate::monitoring::Tally;

mod ahead;
mod gather;
mod source;
mod watch;
pub use watch::RequestWatch;

/// Empty frames in a row that one poll skips before it lets others run.
const EMPTY_FRAMES: usize = 32;

/// A request body within its limits, and what became of it.
pub struct RequestBody {
    pub(crate) body: WasiBody,
    watch: RequestWatch,
}

impl RequestBody {
    /// At most `limit` bytes, and never `idle` without one. A body that the request head
    /// already shows to be empty costs nothing.
    pub fn new<B>(body: B, limit: Option<ByteSize>, idle: Duration) -> Self
    where
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Error>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        let fate = Arc::new(Fate::default());
        let left = limit.map_or(u64::MAX, |limit| limit.0);
        let guarded = Guarded {
            body,
            left,
            idle,
            timer: None,
            fate: fate.clone(),
        };
        Self {
            body: guarded.boxed_unsync(),
            watch: RequestWatch::of(fate),
        }
    }

    pub fn empty() -> Self {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        Self {
            body,
            watch: RequestWatch::default(),
        }
    }

    /// What becomes of this body once a guest has it.
    pub fn watch(&self) -> RequestWatch {
        self.watch.clone()
    }
}

struct Guarded<B> {
    body: B,
    left: u64,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    fate: Arc<Fate>,
}

impl<B> Guarded<B> {
    fn fail(&self, why: u8) -> Error {
        self.fate.failure.store(why, Ordering::Relaxed);
        if why == TOO_LARGE {
            Error::HttpRequestBodySize(None)
        } else {
            Error::ConnectionReadTimeout
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle;
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)))
            .as_mut()
            .poll(cx)
    }
}

impl<B> Body for Guarded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        for _ in 0..EMPTY_FRAMES {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                self.fate.awaited.store(true, Ordering::Relaxed);
                ready!(self.poll_stalled(cx));
                return Poll::Ready(Some(Err(self.fail(STALLED))));
            };
            // Without a timer nobody has waited yet.
            if self.timer.is_some() {
                self.fate.awaited.store(false, Ordering::Relaxed);
            }
            let Some(frame) = frame else {
                return Poll::Ready(None);
            };
            let frame = frame.map_err(|error| {
                self.fate.broken.store(true, Ordering::Relaxed);
                error.into()
            })?;
            let until = Instant::now() + self.idle;
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(until);
            }
            let Some(data) = frame.data_ref() else {
                return Poll::Ready(Some(Ok(frame)));
            };
            // An empty frame is nothing to the guest, and costs the host (GHSA-f8mm-ggr3-89wh).
            if data.is_empty() {
                continue;
            }
            self.fate
                .received
                .fetch_add(data.len() as u64, Ordering::Relaxed);
            return match self.left.checked_sub(data.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(frame)))
                }
                None => Poll::Ready(Some(Err(self.fail(TOO_LARGE)))),
            };
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A guest's response body.
pub struct ResponseBody {
    /// Frames that were there with the head.
    ready: VecDeque<Frame<Bytes>>,
    /// What is still to come.
    rest: Option<Box<Rest>>,
    /// Its length, where the guest has said it.
    declared: Option<u64>,
    limit: Option<ByteSize>,
    sent: u64,
}

struct Rest {
    source: Source,
    /// Who is told when it breaks off.
    tally: Option<Arc<Tally>>,
}

impl ResponseBody {
    /// All of it is here: its length is known and the guest is done.
    pub(crate) fn whole(
        ready: VecDeque<Frame<Bytes>>,
        declared: Option<u64>,
        limit: Option<ByteSize>,
    ) -> Result<Self, InvokeError> {
        let bytes: u64 = ready
            .iter()
            .filter_map(Frame::data_ref)
            .map(|data| data.len() as u64)
            .sum();
        if limit.is_some_and(|limit| bytes > limit.0) {
            return Err(InvokeError::BadResponse(
                "its body is larger than its limit",
            ));
        }
        // A shorter body than its length would make the next response a part of this one.
        if bytes > 0 && declared.is_some_and(|declared| declared != bytes) {
            return Err(InvokeError::BadResponse(
                "its body is not as long as it says",
            ));
        }
        Ok(Self {
            ready,
            rest: None,
            declared,
            limit,
            sent: 0,
        })
    }

    pub(crate) fn streaming(
        ready: VecDeque<Frame<Bytes>>,
        declared: Option<u64>,
        body: WasiBody,
        verdict: Verdict,
        limit: Option<ByteSize>,
    ) -> Self {
        Self::of(ready, declared, Source::guest(body, verdict), limit)
    }

    fn of(
        ready: VecDeque<Frame<Bytes>>,
        declared: Option<u64>,
        source: Source,
        limit: Option<ByteSize>,
    ) -> Self {
        let tally = None;
        Self {
            ready,
            rest: Some(Box::new(Rest { source, tally })),
            declared,
            limit,
            sent: 0,
        }
    }

    /// Counts it as failed should it break off.
    pub(crate) fn count_in(&mut self, tally: &Arc<Tally>) {
        if let Some(rest) = &mut self.rest {
            rest.tally = Some(tally.clone());
        }
    }

    fn break_off(&mut self, error: BodyError) -> BodyError {
        self.ready.clear();
        if let Some(tally) = self.rest.take().and_then(|rest| rest.tally) {
            tally.broke_off(&error.fault());
        }
        error
    }

    fn ready_bytes(&self) -> Option<u64> {
        self.ready
            .iter()
            .map(|frame| frame.data_ref().map(|data| data.len() as u64))
            .sum()
    }

    /// All that the guest has announced was sent. hyper does not ask again then.
    fn is_satisfied(&self) -> bool {
        self.declared == Some(self.sent) && self.sent > 0
    }

    /// Counts a frame against the limit.
    fn admit(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.limit {
            Some(limit) if self.sent > limit.0 => Err(self.break_off(BodyError::TooLarge(limit))),
            _ => {
                if self.is_satisfied()
                    && let Some(rest) = &mut self.rest
                {
                    rest.source.let_finish();
                }
                Ok(frame)
            }
        }
    }
}

/// Reads what a body has now, without waiting, up to `most` frames.
/// Ready when the body has ended.
pub(crate) fn collect_ready(
    body: &mut WasiBody,
    frames: &mut VecDeque<Frame<Bytes>>,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    while frames.len() < most {
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(error)) => return Poll::Ready(Err(error)),
            Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {
                // Counted as a frame, so that empty ones cannot keep this loop going.
                frames.push_back(frame);
            }
            Some(Ok(frame)) => frames.push_back(frame),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while let Some(frame) = self.ready.pop_front() {
            if frame.data_ref().is_none_or(|data| !data.is_empty()) {
                return Poll::Ready(Some(self.admit(frame)));
            }
        }
        for _ in 0..EMPTY_FRAMES {
            let Some(rest) = &mut self.rest else {
                return Poll::Ready(None);
            };
            match ready!(rest.source.poll(cx)) {
                Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                Some(Ok(frame)) => return Poll::Ready(Some(self.admit(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(self.break_off(error)))),
                None => {
                    self.rest = None;
                    return Poll::Ready(None);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && (self.rest.is_none() || self.is_satisfied())
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.rest, self.ready_bytes()) {
            (None, Some(bytes)) => SizeHint::with_exact(bytes),
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;
