//! `airgate bus publish` and `request`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::admin::{AdminApi, Call, Raw};
use crate::cli::input::Input;
use crate::cli::{exit, print};
use crate::core::{Topic, format_duration, parse_duration};

/// Beside what the reply may take.
const MARGIN: Duration = Duration::from_secs(10);

/// What is sent.
#[derive(Args)]
struct Letter {
    /// The topic, such as orders.created
    topic: Topic,
    /// What is sent: text, the content of a file, or - for stdin
    #[arg(value_name = "BODY|@FILE|-", allow_negative_numbers = true)]
    body: Input,
    /// The media type of the body
    #[arg(long, value_name = "TYPE", default_value = "text/plain; charset=utf-8")]
    content_type: HeaderValue,
}

#[derive(Args)]
pub(super) struct Publish {
    #[command(flatten)]
    letter: Letter,
    /// To all members of groups, not only to one
    #[arg(long)]
    everyone: bool,
    /// Send it so often, to see what the bus can take
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: Option<u32>,
    #[command(flatten)]
    api: AdminApi,
}

#[derive(Args)]
pub(super) struct Request {
    #[command(flatten)]
    letter: Letter,
    /// Until the reply, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    api: AdminApi,
}

/// As the admin API says it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Published {
    One { receivers: u32 },
    Many { published: u64, rejected: u64 },
}

impl Letter {
    /// # Errors
    /// The body cannot be read.
    fn onto(self, call: Call) -> Result<Call, crate::cli::admin::Failure> {
        let call = call.query("topic", Some(self.topic.to_string()));
        Ok(call.body(self.body.read()?.into(), self.content_type))
    }
}

impl Publish {
    pub fn run(self) -> u8 {
        let Self {
            letter,
            everyone,
            count,
            api,
        } = self;
        api.run(async |client| {
            let call = letter.onto(Call::post("/v1/bus/publish"))?;
            let call = call
                .query("spread", everyone.then(|| "everyone".into()))
                .query("count", count.map(|count| count.to_string()));
            let answer = client.send(call).await?;
            api.show(&answer, || Ok(told(&client.read_as(&answer)?)))
        })
    }
}

fn told(published: &Published) -> String {
    match published {
        Published::One { receivers: 0 } => "nobody listens\n".into(),
        Published::One { receivers: 1 } => "1 receiver\n".into(),
        Published::One { receivers } => format!("{receivers} receivers\n"),
        Published::Many {
            published,
            rejected,
        } => format!("{published} published, {rejected} rejected\n"),
    }
}

impl Request {
    pub fn run(self) -> u8 {
        let Self {
            letter,
            timeout,
            api,
        } = self;
        api.run(async |client| {
            let call = letter.onto(Call::post("/v1/bus/request"))?;
            let call = call
                .query("timeout", Some(format_duration(timeout)))
                .patiently(timeout.saturating_add(MARGIN));
            let reply = client.fetch(call).await?;
            match api.json {
                true => print::json(&document(&reply).to_string()),
                false => print::bytes(&reply.body),
            }
            Ok(exit::DONE)
        })
    }
}

/// A reply in words: as text where it is text.
fn document(reply: &Raw) -> Value {
    let media = reply.headers.get(CONTENT_TYPE);
    let media = media.and_then(|media| media.to_str().ok());
    match std::str::from_utf8(&reply.body) {
        Ok(text) => json!({ "content_type": media, "body": text }),
        Err(_) => {
            let body = BASE64_STANDARD.encode(&reply.body);
            json!({ "content_type": media, "body_base64": body })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_message_is_told() {
        let told = |answer: &str| told(&serde_json::from_str(answer).unwrap());
        assert_eq!(told(r#"{"receivers":0}"#), "nobody listens\n");
        assert_eq!(told(r#"{"receivers":2}"#), "2 receivers\n");
        let many = told(r#"{"published":90,"rejected":10}"#);
        assert_eq!(many, "90 published, 10 rejected\n");
    }

    #[test]
    fn a_reply_is_told_as_text_where_it_is_text() {
        let mut reply = Raw {
            headers: [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]
                .into_iter()
                .collect(),
            body: b"ok".to_vec(),
        };
        let text = json!({ "content_type": "text/plain", "body": "ok" });
        assert_eq!(document(&reply), text);
        reply.body = vec![0xff];
        assert_eq!(document(&reply)["body_base64"], "/w==");
    }
}
