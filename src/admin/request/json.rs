//! JSON bodies.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::{Pace, collect};
use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::core::ByteSize;

/// Weights of a few hundred versions.
const LIMIT: ByteSize = ByteSize(64 << 10);

const PACE: Pace = Pace {
    stall: Duration::from_secs(10),
    whole: Duration::from_secs(30),
};

/// What was sent as JSON; `None`: nothing was.
pub(in crate::admin) struct JsonBody<T>(pub Option<T>);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        let bytes = collect(request.into_body(), LIMIT, PACE).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(Some(value))),
            Err(error) if error.is_data() => Err(Problem::unprocessable(error.to_string())),
            Err(error) => Err(Problem::bad_request(format!("no JSON: {error}"))),
        }
    }
}
