//! Answers to what went well.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::admin::request::EntityTag;
use crate::lifecycle::DeliveryStatus;

/// A component as it is delivered, under its entity tag.
pub(in crate::admin) fn tagged(status: &DeliveryStatus) -> Response {
    let tag = [(ETAG, EntityTag::of(status).to_string())];
    (tag, Json(status)).into_response()
}

/// A component with a version that was not there before; it is at `location`.
pub(in crate::admin) fn created(status: &DeliveryStatus, location: String) -> Response {
    let headers = [(LOCATION, location)];
    (StatusCode::CREATED, headers, tagged(status)).into_response()
}

/// Who asks has it already (RFC 9110 §15.4.5).
pub(in crate::admin) fn not_modified(tag: &EntityTag) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, tag.to_string())]).into_response()
}

/// It has begun.
pub(in crate::admin) fn accepted(body: impl Serialize) -> Response {
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

pub(in crate::admin) fn not_ready(text: impl Into<String>) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, text.into()).into_response()
}

pub(in crate::admin) fn text(media: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(media))], text).into_response()
}
