//! The message that an operator sends: the body of a request, as it came.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::admin::answer::Problem;
use crate::admin::api::Context;
use crate::admin::request::{Pace, collect};
use crate::core::{Cohort, Forced, Message, Origin, Publisher, RequestId, Topic};

const PACE: Pace = Pace {
    stall: Duration::from_secs(10),
    whole: Duration::from_secs(60),
};

/// # Errors
/// The body is larger than messages may be, or comes too slowly; or its type is no text.
pub(super) async fn message(
    shared: &Context,
    topic: Topic,
    headers: &HeaderMap,
    body: Body,
) -> Result<Message, Problem> {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str());
    let content_type = content_type.transpose().map_err(|_| {
        let detail = "Content-Type: expected visible ASCII";
        Problem::bad_request(detail).field(CONTENT_TYPE.as_str())
    })?;
    let limit = shared.node.config().bus.bounds.body;
    let body = collect(body, limit, PACE).await?;
    let mut message = Message::new(topic, body, Publisher::Gateway, origin());
    message.content_type = content_type.map(Into::into);
    Ok(message)
}

/// As if it came in at the edge: its handlers are chosen as for any request.
pub(super) fn origin() -> Origin {
    let id = RequestId::next();
    Origin::at_the_edge(id, Cohort::of(id), Forced::NONE)
}
