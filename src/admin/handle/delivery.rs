//! How components are delivered, and who has changed it.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::status;
use crate::admin::answer::{Problem, not_modified, tagged};
use crate::admin::api::Shared;
use crate::admin::request::{ComponentPath, EntityTag, Parameters, VersionPath, is_known, text};
use crate::admin::views::HistoryEntry;
use crate::lifecycle::{ChangeError, DeliveryStatus, VersionStatus};

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1_000;

/// How far to look back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct HistoryParameters {
    /// How many changes: at most 1,000, if not said otherwise 100.
    #[serde(default, deserialize_with = "text")]
    limit: Option<usize>,
}

pub(in crate::admin) async fn all(State(shared): State<Shared>) -> Json<Vec<DeliveryStatus>> {
    Json(shared.node.delivery().statuses())
}

pub(in crate::admin) async fn one(
    State(shared): State<Shared>,
    ComponentPath(component): ComponentPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let status = status(&shared, &component)?;
    let tag = EntityTag::of(&status);
    Ok(match is_known(&headers, &tag)? {
        true => not_modified(&tag),
        false => tagged(&status),
    })
}

pub(in crate::admin) async fn version(
    State(shared): State<Shared>,
    VersionPath { component, version }: VersionPath,
) -> Result<Json<VersionStatus>, Problem> {
    let versions = status(&shared, &component)?.versions;
    match versions.iter().find(|it| it.name == version) {
        Some(found) => Ok(Json(found.clone())),
        None => Err(Problem::from(ChangeError::NoVersion {
            component,
            version: version.to_string(),
            known: versions.into_iter().map(|it| it.name).collect(),
        })),
    }
}

pub(in crate::admin) async fn history(
    State(shared): State<Shared>,
    ComponentPath(component): ComponentPath,
    Parameters(parameters): Parameters<HistoryParameters>,
) -> Result<Json<Vec<HistoryEntry>>, Problem> {
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT).min(LARGEST_LIMIT);
    let records = shared.node.delivery().history(Some(&component), limit);
    if records.is_empty() {
        // A component that is gone still has a history.
        status(&shared, &component)?;
    }
    Ok(Json(records.into_iter().map(HistoryEntry).collect()))
}
