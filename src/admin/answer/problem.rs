//! Errors of the admin API: problem documents (RFC 9457).

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::core::{Digest, Role, VersionName};

/// What is sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(in crate::admin) struct ProblemDocument {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    status: u16,
    /// What is wrong, in words.
    detail: String,
    /// The header, parameter or member that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The digest of what has the name already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    existing: Option<Digest>,
    /// What there is instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    known: Option<Vec<VersionName>>,
    /// The generation of the component, where another was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// The role that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// The line of the body that is wrong, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Where the configuration is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Value>,
}

/// Why nothing was done.
#[derive(Debug)]
pub(in crate::admin) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    document: ProblemDocument,
}

/// Whether a status says that somebody was not let in.
pub(in crate::admin) fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST
    )
}

/// The name of a status.
pub(in crate::admin) fn title(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    let title = status.and_then(|status| status.canonical_reason());
    title.unwrap_or("Error")
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let document = ProblemDocument {
            kind: "about:blank",
            title: title(status.as_u16()),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            existing: None,
            known: None,
            generation: None,
            role: None,
            line: None,
            diagnostics: None,
        };
        Self(Box::new(Parts {
            status,
            headers: HeaderMap::new(),
            document,
        }))
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// The rest of the request is not waited for.
    pub fn request_timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
            .header(CONNECTION, HeaderValue::from_static("close"))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub fn unsupported_media(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, detail)
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// Who was to answer has not done so as it should.
    pub fn bad_gateway(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, detail)
    }

    /// Who was to answer has not done so in time.
    pub fn gateway_timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// It may work in `seconds`.
    pub fn unavailable(detail: impl Into<String>, seconds: u16) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, seconds.into())
    }

    pub fn insufficient_storage(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Names what is wrong.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.document.field = Some(field.into());
        self
    }

    pub fn existing(mut self, digest: Digest) -> Self {
        self.0.document.existing = Some(digest);
        self
    }

    pub fn known(mut self, versions: Vec<VersionName>) -> Self {
        self.0.document.known = Some(versions);
        self
    }

    pub fn generation(mut self, generation: u64) -> Self {
        self.0.document.generation = Some(generation);
        self
    }

    pub fn needs(mut self, role: Role) -> Self {
        self.0.document.role = Some(role.as_str());
        self
    }

    pub fn line(mut self, line: u64) -> Self {
        self.0.document.line = Some(line);
        self
    }

    pub fn diagnostics(mut self, diagnostics: Value) -> Self {
        self.0.document.diagnostics = Some(diagnostics);
        self
    }

    #[cfg(test)]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    #[cfg(test)]
    pub fn document(&self) -> Value {
        serde_json::to_value(&self.0.document).unwrap()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts {
            status,
            headers,
            document,
        } = *self.0;
        // Texts and numbers can always be written.
        let body = serde_json::to_string(&document).unwrap_or_default();
        let media = [(CONTENT_TYPE, "application/problem+json")];
        (status, headers, media, body).into_response()
    }
}
