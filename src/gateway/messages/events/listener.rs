//! One client that listens: it reads the ring at its own pace, until it leaves, the feed ends,
//! or the node drains.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::encode;
use super::position::Beginning;
use super::ring::{Cursor, Reading, Ring};
use crate::core::Fault;
use crate::gateway::body::Body;
use crate::gateway::gate::Gate;

/// A connection on which nothing happens is taken for a dead one by who is between.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// nginx would hold events back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with what comes from where the client left off.
///
/// # Errors
/// The method is neither GET nor HEAD, or there are too many listeners.
pub(crate) fn listen(
    ring: &Arc<Ring>,
    parts: &Parts,
    gate: &Arc<Gate>,
) -> Result<Response<Body>, Fault> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Fault::MethodNotAllowed {
            allow: "GET, HEAD".into(),
        });
    }
    let place = ring.place().ok_or(Fault::Overloaded)?;
    let listener = Listener::new(ring, place, Beginning::of(parts), gate.clone());
    let mut response = Response::new(Body::Events(listener.body()));
    let fields = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream");
    fields.insert(CONTENT_TYPE, event_stream);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

struct Listener {
    ring: Arc<Ring>,
    /// Given back when the client leaves.
    _place: OwnedSemaphorePermit,
    cursor: Cursor,
    /// Told before anything else.
    preamble: Option<Vec<u8>>,
    keep_alive: Interval,
    gate: Arc<Gate>,
}

impl Listener {
    fn new(
        ring: &Arc<Ring>,
        place: OwnedSemaphorePermit,
        beginning: Beginning,
        gate: Arc<Gate>,
    ) -> Self {
        let (cursor, preamble) = ring.begin(beginning);
        let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ring: ring.clone(),
            _place: place,
            cursor,
            preamble: Some(preamble),
            keep_alive,
            gate,
        }
    }

    fn body(self) -> EventsBody {
        EventsBody(Box::pin(unfold(self, async |mut listener| {
            let piece = listener.next().await?;
            Some((Bytes::from(piece), listener))
        })))
    }

    /// `None`: it is over.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(preamble) = self.preamble.take() {
            return Some(preamble);
        }
        loop {
            let mut changed = pin!(self.ring.changed());
            // Before the ring is read, so that nothing comes unnoticed in between.
            changed.as_mut().enable();
            if self.gate.is_draining() {
                return None;
            }
            match self.ring.read(&mut self.cursor) {
                Reading::Piece(piece) => return Some(piece),
                Reading::End => return None,
                Reading::Nothing => {}
            }
            tokio::select! {
                () = changed => {}
                () = self.gate.draining() => {}
                _ = self.keep_alive.tick() => return Some(encode::KEEP_ALIVE.to_vec()),
            }
        }
    }
}

/// An event stream on its way to a client.
pub struct EventsBody(Pin<Box<dyn Stream<Item = Bytes> + Send>>);

impl EventsBody {
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.as_mut().poll_next(cx)
    }
}

#[cfg(test)]
mod tests;
