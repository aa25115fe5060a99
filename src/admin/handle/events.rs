//! `GET /v1/events`: what happens to versions and traffic.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use schemars::JsonSchema;
use serde::Deserialize;

use super::live::{self, Source};
use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::request::{Parameters, text};
use crate::lifecycle::{Subscription, Told};

const LAST_EVENT_ID: &str = "last-event-id";

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
    let subscription = shared.node.delivery().events().subscribe(after);
    live::events(shared, subscription)
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

impl Source for Subscription {
    async fn next(&mut self) -> Option<Event> {
        let told = Self::next(self).await;
        told.map(|told| event(&told))
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
        Told::Lagged(missed) => live::lagged(*missed),
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
