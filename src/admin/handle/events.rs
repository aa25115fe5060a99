//! `GET /v1/events`: server-sent events (WHATWG HTML §9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, interval};

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::node::Readiness;
use crate::admin::request::{Parameters, text};
use crate::lifecycle::{Subscription, Told};

const LAST_EVENT_ID: &str = "last-event-id";

/// A connection on which nothing happens is taken for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a watcher looks whether the node drains.
const GLANCE: Duration = Duration::from_millis(500);

/// Where to begin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct EventParameters {
    /// Begins with what came after the event of this id; absent: with what comes from now on.
    #[serde(default, deserialize_with = "text")]
    after: Option<u64>,
}

pub(in crate::admin) async fn events(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<EventParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Who comes back asks for the same address again, and says more in the header.
    let after = last_event_id(&headers)?.or(parameters.after);
    let watch = Watch {
        place: shared.watchers.take()?,
        subscription: shared.node.delivery().events().subscribe(after),
        glances: interval(GLANCE),
        shared,
    };
    let told = stream::unfold(watch, async |mut watch| {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(told).keep_alive(keep_alive).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| {
        let detail = "Last-Event-ID: expected the id of an event";
        Problem::bad_request(detail).field(LAST_EVENT_ID)
    })
}

struct Watch {
    #[expect(dead_code, reason = "given back when the connection ends")]
    place: OwnedSemaphorePermit,
    subscription: Subscription,
    glances: Interval,
    shared: Shared,
}

impl Watch {
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
                told = self.subscription.next() => return told.map(|told| event(&told)),
            }
        }
    }
}

fn event(told: &Told) -> Event {
    match told {
        Told::Event(event) => {
            // Texts and numbers can always be written.
            let data = serde_json::to_string(&**event).unwrap_or_default();
            let id = event.id.to_string();
            Event::default().id(id).event(event.kind).data(data)
        }
        Told::Lagged(missed) => {
            let data = match missed {
                0 => json!({}),
                missed => json!({ "missed": missed }),
            };
            Event::default().event("lagged").data(data.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn who_comes_back_says_what_came_last() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(value));
            last_event_id(&headers).map_err(|it| it.status().as_u16())
        };
        assert_eq!(read("17"), Ok(Some(17)));
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), None);
        for bad in ["", "-1", "x", "18446744073709551616"] {
            assert_eq!(read(bad), Err(400), "{bad}");
        }
    }
}
