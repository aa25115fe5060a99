//! `GET …/keys`.

use axum::Json;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::answer::Problem;
use crate::admin::request::{Parameters, SpacePath, text};
use crate::admin::views::KeysView;

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1_000;

/// Which keys.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct KeyParameters {
    /// Those that begin with it.
    #[serde(default, deserialize_with = "text")]
    prefix: Option<String>,
    /// Those after this one, in the order of their bytes.
    #[serde(default, deserialize_with = "text")]
    after: Option<String>,
    /// How many: 1 to 1,000, if not said otherwise 100.
    #[serde(default, deserialize_with = "text")]
    limit: Option<usize>,
}

pub(in crate::admin) async fn keys(
    SpacePath { store, space }: SpacePath,
    Parameters(parameters): Parameters<KeyParameters>,
) -> Result<Json<KeysView>, Problem> {
    let prefix = parameters.prefix.unwrap_or_default();
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    let limit = limit.clamp(1, LARGEST_LIMIT);
    let after = parameters.after.as_deref();
    let page = store.keys(&space, &prefix, after, limit).await?;
    Ok(Json(page.into()))
}
