//! `/v1/bus/dead-letters`: messages that were given up.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::answer::{Problem, done};
use crate::admin::api::Shared;
use crate::admin::request::{LetterPath, Parameters, text};
use crate::admin::views::{DeadLetterView, DeadLettersView, Redelivered};
use crate::core::RedeliverError;

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1_000;

/// How far to look back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct LetterParameters {
    /// How many: at most 1,000, if not said otherwise 100.
    #[serde(default, deserialize_with = "text")]
    limit: Option<usize>,
}

pub(in crate::admin) async fn letters(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<LetterParameters>,
) -> Json<DeadLettersView> {
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT).min(LARGEST_LIMIT);
    let letters = shared.node.dead_letters().dead_letters(limit).await;
    Json(DeadLettersView {
        dead_letters: letters.into_iter().map(DeadLetterView::from).collect(),
    })
}

pub(in crate::admin) async fn redeliver(
    State(shared): State<Shared>,
    LetterPath(id): LetterPath,
) -> Result<Json<Redelivered>, Problem> {
    shared.node.dead_letters().redeliver(id).await?;
    Ok(Json(Redelivered { redelivered: id }))
}

pub(in crate::admin) async fn discard(
    State(shared): State<Shared>,
    LetterPath(id): LetterPath,
) -> Result<Response, Problem> {
    match shared.node.dead_letters().discard(id).await {
        true => Ok(done(None)),
        false => Err(RedeliverError::Unknown(id).into()),
    }
}
