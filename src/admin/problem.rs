//! Errors of the admin API: problem documents (RFC 9457).

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(super) struct Problem {
    status: StatusCode,
    body: serde_json::Value,
}

pub(super) fn problem(status: StatusCode, detail: impl Into<String>) -> Problem {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail.into(),
    });
    Problem { status, body }
}

impl Problem {
    /// Adds a member of our own (RFC 9457 §3.2).
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.body[name] = value;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, headers, self.body.to_string()).into_response()
    }
}
