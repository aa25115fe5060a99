//! Server-sent events (WHATWG HTML §9.2), for as long as the watcher listens and the node does
//! not drain.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, interval};

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::node::Readiness;

/// A connection on which nothing happens is taken for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a watcher looks whether the node drains.
const GLANCE: Duration = Duration::from_millis(500);

/// Where events come from.
pub(super) trait Source: Send + 'static {
    /// The next event; `None`: there are no more. Can be dropped at any time, and nothing is
    /// lost.
    fn next(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// All that the source tells.
///
/// # Errors
/// There are too many watchers.
pub(super) fn events(shared: Shared, source: impl Source) -> Result<Response, Problem> {
    let watch = Watch {
        place: shared.watchers.take()?,
        glances: interval(GLANCE),
        source,
        shared,
    };
    let told = stream::unfold(watch, async |mut watch| {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(told).keep_alive(keep_alive).into_response())
}

/// Tells a watcher what it was too slow for; 0: nobody knows how much.
pub(super) fn lagged(missed: u64) -> Event {
    let data = match missed {
        0 => json!({}),
        missed => json!({ "missed": missed }),
    };
    Event::default().event("lagged").data(data.to_string())
}

struct Watch<S> {
    #[expect(dead_code, reason = "given back when the connection ends")]
    place: OwnedSemaphorePermit,
    source: S,
    glances: Interval,
    shared: Shared,
}

impl<S: Source> Watch<S> {
    /// `None`: the node drains.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                _ = self.glances.tick() => {
                    if self.shared.node.readiness() == Readiness::Draining {
                        return None;
                    }
                }
                event = self.source.next() => return event,
            }
        }
    }
}
