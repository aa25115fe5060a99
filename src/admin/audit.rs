//! `GET /v1/audit`, and the entries that calls of this API leave in the trail.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::problem::problem;
use super::router::Shared;
use crate::security::{AuditEvent, AuditKind, AuditQuery};

/// The label of refused calls.
const ADMIN: &str = "admin";

pub(super) async fn events(
    State(shared): State<Shared>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Response {
    match query {
        Ok(Query(query)) => {
            let trail = shared.node.audit();
            Json(json!({ "events": trail.query(&query), "dropped": trail.dropped() }))
                .into_response()
        }
        Err(rejection) => problem(StatusCode::BAD_REQUEST, rejection.body_text()).into_response(),
    }
}

/// Records calls that change something, and calls without the token.
pub(super) async fn record(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let target = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    let event = match status {
        StatusCode::UNAUTHORIZED => AuditEvent::new(AuditKind::Denied).capability(ADMIN),
        _ if changes => AuditEvent::new(AuditKind::AdminCall),
        _ => return response,
    };
    shared
        .node
        .audit()
        .record(event.target(target).detail(status));
    response
}
