//! Server-sent events of a gateway, for as long as it takes.
//!
//! A stream that breaks, or says nothing for a minute, is opened again behind the last event
//! that came. Nothing is waited for longer than that.

use std::collections::VecDeque;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Response;
use tokio::time::{Instant, sleep_until, timeout};

use super::client::{Call, Client};
use super::failure::Failure;
use super::sse::{Message, Parser};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Told instead of events that are lost to this stream.
const LAGGED: &str = "lagged";
const OPENING: Duration = Duration::from_secs(10);
/// A stream without as much as a comment for so long may be none any more.
const SILENCE: Duration = Duration::from_secs(60);
/// Between two tries to open it, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What a feed tells.
#[derive(Debug)]
pub(in crate::cli) enum Told {
    /// What came before may have been missed.
    Opened,
    Message(Message),
    /// Nobody answers any more; it will be tried again.
    Broken(Failure),
}

/// Messages without end.
pub(in crate::cli) struct Feed<'a> {
    client: &'a Client,
    /// Asks for it, from the beginning.
    call: Box<dyn Fn() -> Call + Send + 'a>,
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

impl<'a> Feed<'a> {
    pub fn new(client: &'a Client, call: impl Fn() -> Call + Send + 'a) -> Self {
        Self {
            client,
            call: Box::new(call),
            last_id: None,
            open: None,
            retry_at: Instant::now(),
            pause: PAUSES.0,
        }
    }

    /// Begins behind the message with this id; `None`: with whatever the gateway begins with.
    pub fn after(self, last_id: Option<String>) -> Self {
        Self { last_id, ..self }
    }

    /// The next thing that happens. Can be dropped at any time, and nothing is lost.
    ///
    /// # Errors
    /// The admin API refuses to tell: trying again will not help.
    pub async fn next(&mut self) -> Result<Told, Failure> {
        loop {
            let Some(open) = &mut self.open else {
                return self.connect().await;
            };
            if let Some(message) = open.waiting.pop_front() {
                if !message.id.is_empty() {
                    self.last_id = Some(message.id.clone());
                }
                return Ok(Told::Message(message));
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

    async fn connect(&mut self) -> Result<Told, Failure> {
        sleep_until(self.retry_at).await;
        // Dropped in the middle, it counts as failed.
        self.retry_at = Instant::now() + self.pause;
        let mut call = (self.call)();
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
                Ok(Told::Opened)
            }
            Err(failure) if is_passing(&failure) => {
                self.pause = (self.pause * 2).min(PAUSES.1);
                self.retry_at = Instant::now() + self.pause;
                Ok(Told::Broken(failure))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// How many messages the gateway says are lost, where it says so; 0: nobody knows.
pub(in crate::cli) fn missed(message: &Message) -> Option<u64> {
    if message.event != LAGGED {
        return None;
    }
    let data: serde_json::Value = serde_json::from_str(&message.data).unwrap_or_default();
    Some(data["missed"].as_u64().unwrap_or(0))
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
