//! What happens to versions and traffic, as it happens: `GET /v1/events`.
//!
//! A stream that breaks, or says nothing for a minute, is opened again behind the last event
//! that came. Nothing is waited for longer than that.

use std::collections::VecDeque;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Response;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use super::client::{Call, Client};
use super::failure::Failure;
use super::sse::{Message, Parser};
use crate::core::Timestamp;
use crate::lifecycle::DeliveryStatus;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Told instead of events that are lost to this stream.
const LAGGED: &str = "lagged";
const OPENING: Duration = Duration::from_secs(10);
/// A stream without as much as a comment for so long may be none any more.
const SILENCE: Duration = Duration::from_secs(60);
/// Between two tries to open it, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// As the admin API sends it; see `DeliveryEvent`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(in crate::cli) struct Event {
    pub id: u64,
    pub at: Timestamp,
    pub kind: String,
    pub component: String,
    #[serde(default)]
    pub by: String,
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    /// The component afterwards; absent when it is gone.
    #[serde(default)]
    pub status: Option<DeliveryStatus>,
}

/// What a stream tells.
#[derive(Debug)]
pub(in crate::cli) enum Happening {
    /// What came before may have been missed.
    Opened,
    /// With its text as it came.
    Event(Box<Event>, String),
    /// So many came too fast, or, where it is 0, before anybody knew of them.
    Missed(u64),
    /// Nobody answers any more; it will be tried again.
    Broken(Failure),
}

/// Events without end.
pub(in crate::cli) struct EventStream<'a> {
    client: &'a Client,
    last_id: Option<String>,
    open: Option<Open>,
    retry_at: Instant,
    pause: Duration,
}

struct Open {
    response: Response,
    parser: Parser,
    waiting: VecDeque<Message>,
}

impl<'a> EventStream<'a> {
    /// `last_id`: the event after which to begin; `None`: whatever the gateway begins with.
    pub fn new(client: &'a Client, last_id: Option<u64>) -> Self {
        Self {
            client,
            last_id: last_id.map(|id| id.to_string()),
            open: None,
            retry_at: Instant::now(),
            pause: PAUSES.0,
        }
    }

    /// The next thing that happens. Can be dropped at any time, and nothing is lost.
    ///
    /// # Errors
    /// The admin API refuses to tell: trying again will not help.
    pub async fn next(&mut self) -> Result<Happening, Failure> {
        loop {
            let Some(open) = &mut self.open else {
                return self.connect().await;
            };
            if let Some(message) = open.waiting.pop_front() {
                if !message.id.is_empty() {
                    self.last_id = Some(message.id.clone());
                }
                match read(&message) {
                    Some(happening) => return Ok(happening),
                    None => continue,
                }
            }
            let chunk = timeout(SILENCE, open.response.chunk()).await;
            let parsed = match &chunk {
                Ok(Ok(Some(bytes))) => open.parser.push(bytes).ok(),
                _ => None,
            };
            match parsed {
                Some(messages) => {
                    self.pause = PAUSES.0;
                    open.waiting.extend(messages);
                }
                None => {
                    // Streams end when the gateway is started anew.
                    self.open = None;
                    self.retry_at = Instant::now() + self.pause;
                    self.pause = (self.pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<Happening, Failure> {
        sleep_until(self.retry_at).await;
        // Dropped in the middle, it counts as failed.
        self.retry_at = Instant::now() + self.pause;
        let mut call = Call::get("/v1/events");
        if let Some(Ok(id)) = self.last_id.as_ref().map(HeaderValue::try_from) {
            call = call.header(LAST_EVENT_ID, id);
        }
        let opened = timeout(OPENING, self.client.start(call)).await;
        let opened =
            opened.unwrap_or_else(|_| Err(self.client.unreachable("no answer in time", false)));
        match opened {
            Ok(response) => {
                self.open = Some(Open {
                    response,
                    parser: Parser::default(),
                    waiting: VecDeque::new(),
                });
                Ok(Happening::Opened)
            }
            Err(failure) if is_passing(&failure) => {
                self.pause = (self.pause * 2).min(PAUSES.1);
                self.retry_at = Instant::now() + self.pause;
                Ok(Happening::Broken(failure))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// `None`: of a kind that this version does not know.
fn read(message: &Message) -> Option<Happening> {
    if message.event == LAGGED {
        let data: serde_json::Value = serde_json::from_str(&message.data).unwrap_or_default();
        return Some(Happening::Missed(data["missed"].as_u64().unwrap_or(0)));
    }
    let event = serde_json::from_str(&message.data).ok()?;
    Some(Happening::Event(Box::new(event), message.data.clone()))
}

/// Whether it may be gone the next time.
pub(in crate::cli) fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable { .. } => true,
        Failure::Refused(_) => failure
            .status()
            .is_some_and(|status| status == 429 || status >= 500),
        Failure::Foreign(_) | Failure::Local(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_later_versions_are_read_as_far_as_they_are_known() {
        let event: Event = serde_json::from_str(
            r#"{"id":7,"at":"2026-01-31T12:00:00.007Z","kind":"paused","component":"cart",
                "by":"ops","later":{"x":1}}"#,
        )
        .unwrap();
        assert_eq!((event.id, event.kind.as_str()), (7, "paused"));
        assert_eq!((event.status, event.reason), (None, None));
    }

    #[test]
    fn what_is_lost_is_told_and_what_is_not_known_is_passed_over() {
        let message = |event: &str, data: &str| Message {
            id: String::new(),
            event: event.into(),
            data: data.into(),
        };
        for (data, count) in [("{\"missed\":7}", 7), ("{}", 0), ("", 0)] {
            let told = read(&message("lagged", data));
            assert!(
                matches!(told, Some(Happening::Missed(it)) if it == count),
                "{told:?}"
            );
        }
        assert!(read(&message("step", "{\"id\":")).is_none());
    }

    #[test]
    fn a_refusal_lasts_and_an_outage_passes() {
        use super::super::failure::Refusal;
        let refused = |status| Failure::Refused(Refusal::new(status, b""));
        assert!(!is_passing(&refused(401)) && !is_passing(&refused(404)));
        assert!(is_passing(&refused(503)) && is_passing(&refused(429)));
        assert!(is_passing(&Failure::Unreachable {
            cause: String::new(),
            in_doubt: false
        }));
    }
}
