//! `GET /v1/audit`.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::api::Shared;
use crate::admin::request::{Parameters, text, word};
use crate::admin::views::{AuditEntry, AuditView};
use crate::core::{ComponentName, Timestamp};
use crate::security::{AuditKind, AuditQuery};

/// Which events; what is not said does not matter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct AuditParameters {
    /// `denied`, `audited`, `grants_changed`, `deployed` or `admin_call`.
    #[serde(default, deserialize_with = "word")]
    #[schemars(with = "Option<String>")]
    kind: Option<AuditKind>,
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    component: Option<ComponentName>,
    /// A key below `capabilities`.
    #[serde(default, deserialize_with = "text")]
    capability: Option<String>,
    /// At this moment or later: RFC 3339, or milliseconds since 1970.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "Option<String>")]
    since: Option<Timestamp>,
    /// How many: at most 1,000, if not said otherwise 100.
    #[serde(default, deserialize_with = "text")]
    limit: Option<usize>,
}

pub(in crate::admin) async fn audit(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<AuditParameters>,
) -> Json<AuditView> {
    let default = AuditQuery::default();
    let query = AuditQuery {
        kind: parameters.kind,
        component: parameters.component,
        capability: parameters.capability,
        since: parameters.since,
        limit: parameters.limit.unwrap_or(default.limit),
    };
    let trail = shared.node.audit();
    let events = trail.query(&query).into_iter().map(AuditEntry::from);
    Json(AuditView {
        events: events.collect(),
        dropped: trail.dropped(),
    })
}
