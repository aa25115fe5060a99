//! Answers to what went well.

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::admin::request::EntityTag;
use crate::core::{Revision, Stored};
use crate::lifecycle::DeliveryStatus;

/// When a value will be gone.
const EXPIRES: HeaderName = HeaderName::from_static("x-airgate-expires");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

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

/// A value as it is, under its entity tag.
pub(in crate::admin) fn stored(stored: Stored) -> Response {
    let mut response = bytes(BYTES, stored.value);
    set(
        &mut response,
        ETAG,
        Some(EntityTag::of_revision(stored.revision)),
    );
    set(&mut response, EXPIRES, stored.expires);
    response
}

/// It is done, and there is nothing to say of it but its new revision, where that is known.
pub(in crate::admin) fn done(revision: Option<Revision>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, ETAG, revision.map(EntityTag::of_revision));
    response
}

pub(in crate::admin) fn bytes(media: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

fn set(response: &mut Response, name: HeaderName, value: Option<impl ToString>) {
    // Numbers and times can always be written.
    let value = value.and_then(|value| HeaderValue::try_from(value.to_string()).ok());
    response
        .headers_mut()
        .extend(value.map(|value| (name, value)));
}
