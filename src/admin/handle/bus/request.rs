//! `POST /v1/bus/request`: a message, and the reply to it.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::message;
use super::publish::topic;
use crate::admin::answer::{Problem, bytes};
use crate::admin::api::Shared;
use crate::admin::request::{Parameters, Time, text};
use crate::core::{Message, RequestError, RequestOptions, Topic};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// Whom to ask, and how long to wait.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct RequestParameters {
    #[serde(deserialize_with = "topic")]
    #[schemars(with = "String")]
    topic: Topic,
    /// Until the reply: at most `10m`, if not said otherwise `5s`.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    timeout: Option<Time>,
}

/// Who leaves before the reply cancels the request.
pub(in crate::admin) async fn request(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<RequestParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let _place = shared.messages.take()?;
    let message = message(&shared, parameters.topic, &headers, body).await?;
    let timeout = parameters.timeout.map_or(DEFAULT_TIMEOUT, |time| time.0);
    let deadline = Instant::now() + timeout.min(LONGEST_TIMEOUT);
    let bus = shared.node.bus();
    let replies = bus.request(message, RequestOptions::until(deadline));
    let reply = replies.await?.into_iter().next();
    Ok(answer(reply.ok_or(RequestError::NoReply)?))
}

/// The reply as it came; a type that cannot be a field is none.
fn answer(reply: Message) -> Response {
    let media = reply.content_type.as_deref().map(HeaderValue::from_str);
    let media = media.and_then(Result::ok);
    let media = media.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    bytes(media, reply.body)
}
