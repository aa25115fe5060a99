//! What a client is answered with when all went well: that its message was taken, or the reply
//! to it. A reply chooses its status by the entry `status`, and nothing else of the head.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::core::Message;
use crate::gateway::body::Body;

/// Of a reply's metadata: three digits from 200 to 599.
const STATUS: &str = "status";
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The message was taken; what becomes of it is not known (RFC 9110 §15.3.3).
pub(super) fn receipt() -> Response<Body> {
    let mut response = Response::new(Body::Bytes(Bytes::new()));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// A reply as an answer. A content type that is no field value is as none.
pub(super) fn response(reply: Message) -> Response<Body> {
    let status = reply.entry(STATUS).and_then(status).unwrap_or_default();
    if takes_no_body(status) {
        let mut response = Response::new(Body::Bytes(Bytes::new()));
        *response.status_mut() = status;
        return response;
    }
    let content_type = reply.content_type.as_deref();
    let content_type = content_type.and_then(|it| HeaderValue::from_str(it).ok());
    let mut response = Response::new(Body::Bytes(reply.body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, content_type.unwrap_or(BYTES));
    response
}

fn status(text: &str) -> Option<StatusCode> {
    let status = StatusCode::from_bytes(text.as_bytes()).ok()?;
    (200..=599).contains(&status.as_u16()).then_some(status)
}

/// RFC 9110 §15.3.5, §15.3.6 and §15.4.5.
fn takes_no_body(status: StatusCode) -> bool {
    matches!(status.as_u16(), 204 | 205 | 304)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Origin, Publisher};
    use http_body::Body as _;

    fn reply(content_type: Option<&str>, status: Option<&str>) -> Response<Body> {
        let topic = "stock.reserved".parse().unwrap();
        let body = Bytes::from_static(b"{}");
        let mut reply = Message::new(topic, body, Publisher::Gateway, Origin::NONE);
        reply.content_type = content_type.map(Into::into);
        let status = status.map(|it| ("status".to_owned(), it.to_owned()));
        reply.metadata.extend(status);
        response(reply)
    }

    #[test]
    fn a_reply_may_choose_its_status() {
        for (said, status) in [
            (None, 200),
            (Some("201"), 201),
            (Some("404"), 404),
            (Some("599"), 599),
            (Some("600"), 200),
            (Some("199"), 200),
            (Some("100"), 200),
            (Some("0404"), 200),
            (Some(" 404"), 200),
            (Some("404\r\nx: y"), 200),
            (Some(""), 200),
        ] {
            assert_eq!(reply(None, said).status().as_u16(), status, "{said:?}");
        }
    }

    #[test]
    fn a_status_without_content_has_none() {
        for status in ["204", "205", "304"] {
            let response = reply(Some("text/plain"), Some(status));
            assert!(response.body().is_end_stream(), "{status}");
            assert!(response.headers().is_empty(), "{status}");
        }
    }

    #[test]
    fn what_a_reply_is_said_to_be_cannot_break_the_head() {
        for (said, told) in [
            (Some("application/json"), "application/json"),
            (None, "application/octet-stream"),
            (
                Some("text/html\r\nset-cookie: a=b"),
                "application/octet-stream",
            ),
            (Some("\0"), "application/octet-stream"),
        ] {
            let response = reply(said, None);
            assert_eq!(response.headers()[CONTENT_TYPE], told, "{said:?}");
            assert_eq!(response.headers().len(), 1);
        }
    }
}
