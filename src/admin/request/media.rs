//! What a body says it is. A web form can send text to anybody, but never `application/json`
//! without asking first, which nobody here allows.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::admin::answer::Problem;

/// What an endpoint takes as a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum BodyKind {
    /// JSON, or nothing.
    Json,
    /// A component.
    Wasm,
    /// Whatever it is: it is kept, or passed on, as it came.
    Any,
}

impl BodyKind {
    pub fn media(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json"],
            Self::Wasm => &["application/wasm", "application/octet-stream"],
            Self::Any => &["*/*"],
        }
    }

    fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        if self == Self::Any {
            return Ok(());
        }
        let mut sent = headers.get_all(CONTENT_TYPE).iter();
        let is_right = match (sent.next(), sent.next()) {
            (Some(one), None) => one.to_str().is_ok_and(|text| self.takes(text)),
            (Some(_), Some(_)) => false,
            (None, _) => self == Self::Json && is_empty(headers),
        };
        match is_right {
            true => Ok(()),
            false => {
                let media = self.media().join("` or `");
                Err(Problem::unsupported_media(format!(
                    "send the body as `{media}`"
                )))
            }
        }
    }

    /// Whether a media type is one of them, whatever its parameters (RFC 9110 §8.3.1).
    fn takes(self, text: &str) -> bool {
        let essence = text.split_once(';').map_or(text, |(essence, _)| essence);
        let takes = |media: &str| media.eq_ignore_ascii_case(essence.trim());
        self.media().iter().any(|media| takes(media))
    }

    /// Lets only those requests through whose body is one of these.
    pub async fn require(self, request: Request, next: Next) -> Response {
        match self.check(request.headers()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    }
}

fn is_empty(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    length.is_none_or(|length| length == "0") && !headers.contains_key(TRANSFER_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn check(kind: BodyKind, pairs: &[(HeaderName, &'static str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        let checked = kind.check(&headers);
        checked.map_or_else(|problem| problem.status().as_u16(), |()| 0)
    }

    fn sent_as(kind: BodyKind, media: &'static str) -> u16 {
        check(kind, &[(CONTENT_TYPE, media)])
    }

    #[test]
    fn only_json_is_taken_for_json() {
        for media in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(sent_as(BodyKind::Json, media), 0, "{media}");
        }
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json-seq",
            "application/wasm",
            "",
        ] {
            assert_eq!(sent_as(BodyKind::Json, media), 415, "{media}");
        }
    }

    #[test]
    fn nothing_needs_no_name() {
        assert_eq!(check(BodyKind::Json, &[]), 0);
        assert_eq!(check(BodyKind::Json, &[(CONTENT_LENGTH, "0")]), 0);
        assert_eq!(check(BodyKind::Json, &[(CONTENT_LENGTH, "2")]), 415);
        assert_eq!(
            check(BodyKind::Json, &[(TRANSFER_ENCODING, "chunked")]),
            415
        );
    }

    #[test]
    fn a_component_is_named_as_one() {
        for media in BodyKind::Wasm.media() {
            assert_eq!(sent_as(BodyKind::Wasm, media), 0, "{media}");
        }
        assert_eq!(sent_as(BodyKind::Wasm, "application/json"), 415);
        assert_eq!(check(BodyKind::Wasm, &[]), 415);
    }

    #[test]
    fn what_is_passed_on_may_be_anything() {
        assert_eq!(sent_as(BodyKind::Any, "text/plain"), 0);
        assert_eq!(check(BodyKind::Any, &[]), 0);
    }

    #[test]
    fn two_names_are_none() {
        let json = (CONTENT_TYPE, "application/json");
        assert_eq!(check(BodyKind::Json, &[json.clone(), json]), 415);
    }
}
