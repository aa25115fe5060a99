//! What happens to versions and traffic, as it happens: `GET /v1/events`.

use serde::Deserialize;

use super::client::{Call, Client};
use super::failure::Failure;
use super::feed::{Feed, Told, missed};
use super::sse::Message;
use crate::core::Timestamp;
use crate::lifecycle::DeliveryStatus;

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
pub(in crate::cli) struct EventStream<'a>(Feed<'a>);

impl<'a> EventStream<'a> {
    /// `last_id`: the event after which to begin; `None`: whatever the gateway begins with.
    pub fn new(client: &'a Client, last_id: Option<u64>) -> Self {
        let feed = Feed::new(client, || Call::get("/v1/events"));
        Self(feed.after(last_id.map(|id| id.to_string())))
    }

    /// The next thing that happens. Can be dropped at any time, and nothing is lost.
    ///
    /// # Errors
    /// The admin API refuses to tell: trying again will not help.
    pub async fn next(&mut self) -> Result<Happening, Failure> {
        loop {
            match self.0.next().await? {
                Told::Opened => return Ok(Happening::Opened),
                Told::Broken(failure) => return Ok(Happening::Broken(failure)),
                Told::Message(message) => match read(&message) {
                    Some(happening) => return Ok(happening),
                    None => continue,
                },
            }
        }
    }
}

/// `None`: of a kind that this version does not know.
fn read(message: &Message) -> Option<Happening> {
    if let Some(count) = missed(message) {
        return Some(Happening::Missed(count));
    }
    let event = serde_json::from_str(&message.data).ok()?;
    Some(Happening::Event(Box::new(event), message.data.clone()))
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
}
