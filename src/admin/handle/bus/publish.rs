//! `POST /v1/bus/publish`: once, or many times to see what the bus can take.

use std::str::FromStr;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{message, origin};
use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::admin::request::{Parameters, text, word};
use crate::admin::views::{PublishAnswer, Published, PublishedMany};
use crate::core::{Message, MessageBus, PublishError, Spread, Topic};

/// Messages between two looks at what else there is to do.
const AT_A_STRETCH: u32 = 64;

/// Where a message is sent, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct PublishParameters {
    #[serde(deserialize_with = "topic")]
    #[schemars(with = "String")]
    topic: Topic,
    /// `shared`: one member of each group gets it; `everyone`: all of them do.
    #[serde(default, deserialize_with = "word")]
    spread: Option<GivenSpread>,
    /// How often it is sent, 1 to 100,000: to see what the bus can take.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<u32>")]
    count: Option<Count>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GivenSpread {
    Shared,
    Everyone,
}

/// How often a message is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Count(u32);

impl FromStr for Count {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok();
        let number = number.filter(|number| (1..=100_000).contains(number));
        number.map(Self).ok_or("expected a number from 1 to 100000")
    }
}

/// A parameter that is a topic.
///
/// # Errors
/// It is none.
pub(super) fn topic<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: std::fmt::Display>,
    D: serde::Deserializer<'de>,
{
    let parsed = text(deserializer)?;
    parsed.ok_or_else(|| serde::de::Error::custom("expected a topic"))
}

pub(in crate::admin) async fn publish(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<PublishParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PublishAnswer>, Problem> {
    let _place = shared.messages.take()?;
    let message = message(&shared, parameters.topic, &headers, body).await?;
    let spread = match parameters.spread {
        Some(GivenSpread::Everyone) => Spread::Everyone,
        Some(GivenSpread::Shared) | None => Spread::Shared,
    };
    let bus = shared.node.bus();
    Ok(Json(match parameters.count {
        Some(Count(count)) => PublishAnswer::Many(many(&*bus, &message, spread, count).await?),
        None => {
            let receipt = bus.publish(message, spread).await?;
            let receivers = receipt.receivers;
            PublishAnswer::One(Published { receivers })
        }
    }))
}

/// Each as if it came from another client: their handlers are spread over versions.
async fn many(
    bus: &dyn MessageBus,
    message: &Message,
    spread: Spread,
    count: u32,
) -> Result<PublishedMany, Problem> {
    let mut sent = PublishedMany::default();
    for number in 1..=count {
        let mut message = message.clone();
        message.origin = origin();
        match bus.publish(message, spread).await {
            Ok(_) => sent.published += 1,
            Err(PublishError::QueueFull(_)) => sent.rejected += 1,
            Err(error) => return Err(error.into()),
        }
        if number % AT_A_STRETCH == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field that is wrong.
    fn wrong(query: &str) -> Option<String> {
        let read = Parameters::<PublishParameters>::of(&format!("/?{query}").parse().unwrap());
        let document = read.err()?.document();
        assert_eq!(document["status"], 400, "{query}");
        Some(document["field"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_query_says_where_a_message_goes() {
        for query in [
            "topic=orders.created",
            "topic=orders.created&spread=everyone&count=100000",
            "topic=a&spread=shared",
        ] {
            assert_eq!(wrong(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_no_topic_and_no_number_is_named() {
        for (query, field) in [
            ("topic=", "topic"),
            ("topic=orders.*", "topic"),
            ("topic=_INBOX.1", "topic"),
            ("topic=a&spread=all", "spread"),
            ("topic=a&count=0", "count"),
            ("topic=a&count=100001", "count"),
            ("topic=a&to=b", "to"),
        ] {
            assert_eq!(wrong(query).as_deref(), Some(field), "{query}");
        }
        let missing = Parameters::<PublishParameters>::of(&"/".parse().unwrap());
        assert_eq!(missing.err().unwrap().status(), 400);
    }
}
