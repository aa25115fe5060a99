//! What the audit trail and the log learn of calls of this API.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::Bearer;
use crate::admin::answer::is_refusal;
use crate::admin::api::Shared;
use crate::security::{AuditEvent, AuditKind};

/// The label of refused calls.
const ADMIN: &str = "admin";

/// Records calls that change something, and calls without the token or the role they need.
pub(in crate::admin) async fn record(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let call = Call::of(&request);
    let response = next.run(request).await;
    call.record(&shared, &response);
    response
}

/// A call, as far as it may be written down: never its query, which may hold a secret.
pub(super) struct Call {
    changes: bool,
    target: String,
}

impl Call {
    pub fn of(request: &Request) -> Self {
        Self {
            changes: !matches!(*request.method(), Method::GET | Method::HEAD),
            target: format!("{} {}", request.method(), request.uri().path()),
        }
    }

    pub fn record(self, shared: &Shared, response: &Response) {
        let status = response.status();
        let event = match is_refusal(status) {
            true => AuditEvent::new(AuditKind::Denied).capability(ADMIN),
            false if self.changes => AuditEvent::new(AuditKind::AdminCall),
            false => return,
        };
        let event = match response.extensions().get::<Bearer>() {
            Some(bearer) => event.detail(format_args!("{status} by {}", bearer.name)),
            None => event.detail(status),
        };
        let event = event.target(self.target);
        let (target, detail) = (event.target.clone(), event.detail.clone());
        if shared.node.audit().record(event) {
            tracing::info!(target, detail, "admin call");
        }
    }
}
