//! `airgate bus listen`: a line for every message, until it is interrupted or nobody answers for
//! a minute.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use tokio::time::Instant;

use crate::cli::admin::{AdminApi, Call, Client, Failure, Feed, Told, missed};
use crate::cli::terminal::plain;
use crate::cli::{exit, print};
use crate::core::TopicPattern;

/// As long as a gateway may take to start anew.
const OUTAGE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(super) struct Listen {
    /// A topic, or many: * stands for one token, > for the rest
    #[arg(value_name = "PATTERN")]
    topic: TopicPattern,
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API shows it.
#[derive(Deserialize)]
pub(super) struct Message {
    at: String,
    topic: String,
    publisher: String,
    #[serde(flatten)]
    body: Body,
}

/// As far as it is shown.
#[derive(Deserialize)]
pub(super) struct Body {
    size: u64,
    body: Option<String>,
    #[serde(default)]
    truncated: bool,
}

impl Body {
    /// On one line.
    pub fn told(&self) -> String {
        match &self.body {
            Some(text) if self.truncated => format!("{}…", plain(text)),
            Some(text) => plain(text),
            None => format!("({} bytes)", self.size),
        }
    }
}

impl Listen {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c() => Ok(exit::DONE),
                ended = self.follow(client) => ended,
            }
        })
    }

    async fn follow(&self, client: &Client) -> Result<u8, Failure> {
        let call = || Call::get("/v1/bus/messages").query("topic", Some(self.topic.to_string()));
        let mut feed = Feed::new(client, call);
        let mut broken: Option<Instant> = None;
        let mut was_open = false;
        loop {
            match feed.next().await? {
                Told::Opened => {
                    if was_open {
                        print::note(&"the stream broke; what was sent meanwhile is missed");
                    }
                    was_open = true;
                    broken = None;
                }
                Told::Message(event) => match missed(&event) {
                    Some(count) => print::note(&format_args!("{count} messages were missed")),
                    None => self.show(&event.data),
                },
                Told::Broken(failure) => {
                    let since = *broken.get_or_insert_with(Instant::now);
                    if !was_open || since.elapsed() > OUTAGE {
                        return Err(failure);
                    }
                }
            }
        }
    }

    fn show(&self, data: &str) {
        if self.api.json {
            return print::json(data);
        }
        // What a later version says differently is passed over.
        if let Ok(message) = serde_json::from_str::<Message>(data) {
            print::out(&(line(&message) + "\n"));
        }
    }
}

fn line(message: &Message) -> String {
    let head = format!("{} {} {}", message.at, message.topic, message.publisher);
    format!("{}  {}", plain(&head), message.body.told())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> String {
        let text =
            format!(r#"{{"at":"T","topic":"a.b","publisher":"cart","is_request":false,{body}}}"#);
        line(&serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_message_is_one_line_that_a_terminal_does_not_obey() {
        let text = told(r#""size":9,"body":"x\ny\u001b[2J","truncated":false"#);
        assert_eq!(text, "T a.b cart  x y[2J");
        assert_eq!(
            told(r#""size":9,"body":"x","truncated":true"#),
            "T a.b cart  x…"
        );
        assert_eq!(
            told(r#""size":9,"body_base64":"/w=="}"#.trim_end_matches('}')),
            "T a.b cart  (9 bytes)"
        );
    }
}
