//! Bodies of outbound requests and of their responses, both with backpressure.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::failure::is_lost;
use crate::runtime::{BodyError, ResponseBody};

/// Empty frames in a row that one poll skips before it lets others run.
const EMPTY_FRAMES: usize = 32;

/// Whether a request is still being sent: its response cannot be late meanwhile.
#[derive(Clone, Default)]
pub(super) struct Upload(Arc<AtomicBool>);

impl Upload {
    /// Something was sent since this was asked last.
    pub fn has_moved(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A guest's request body on its way out.
struct Sent {
    body: WasiBody,
    upload: Upload,
}

/// Follows a body while it is sent; one that is empty from the start needs no following.
pub(super) fn followed(body: WasiBody) -> (WasiBody, Option<Upload>) {
    if body.is_end_stream() {
        return (body, None);
    }
    let upload = Upload::default();
    let sent = Sent {
        body,
        upload: upload.clone(),
    };
    (sent.boxed_unsync(), Some(upload))
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        for _ in 0..EMPTY_FRAMES {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            self.upload.0.store(true, Ordering::Relaxed);
            // An empty frame would be sent as a frame of HTTP/2, at the server's cost.
            if !is_empty(&frame) {
                return Poll::Ready(frame);
            }
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

fn is_empty<E>(frame: &Option<Result<Frame<Bytes>, E>>) -> bool {
    matches!(frame, Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty))
}

/// A server's response body. The request counts as under way until it is dropped.
pub(super) struct Received {
    body: Incoming,
    /// Between two pieces.
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl Received {
    pub fn wrap(body: Incoming, idle: Duration, permit: OwnedSemaphorePermit) -> WasiBody {
        Self {
            body,
            idle,
            timer: None,
            _permit: permit,
        }
        .boxed_unsync()
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        for _ in 0..EMPTY_FRAMES {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                let idle = self.idle;
                let timer = self
                    .timer
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                ready!(timer.as_mut().poll(cx));
                return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
            };
            // Counted as nothing, so a server cannot keep a guest waiting with them, nor
            // grow the host (GHSA-f8mm-ggr3-89wh).
            if is_empty(&frame) {
                continue;
            }
            let until = Instant::now() + self.idle;
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(until);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
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

fn broken(error: hyper::Error) -> Error {
    let is_cut = error.is_incomplete_message() || error.is_closed() || is_lost(&error);
    match is_cut {
        true => Error::HttpResponseIncomplete,
        false => Error::HttpProtocolError,
    }
}

/// The body of another component's response.
pub(super) struct FromPeer {
    body: ResponseBody,
    _permit: OwnedSemaphorePermit,
}

impl FromPeer {
    pub fn wrap(body: ResponseBody, permit: OwnedSemaphorePermit) -> WasiBody {
        Self {
            body,
            _permit: permit,
        }
        .boxed_unsync()
    }
}

impl Body for FromPeer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(unfinished)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn unfinished(error: BodyError) -> Error {
    match error {
        BodyError::TooLarge(limit) => Error::HttpResponseBodySize(Some(limit.0)),
        BodyError::Guest(_) | BodyError::Broken(_) => Error::HttpResponseIncomplete,
    }
}
