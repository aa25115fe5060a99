//! What a message says of the request it was made of: `x-request-id`, `http-method`,
//! `http-path`, and the fields `x-message-…` without that prefix. Nothing else of a client goes
//! with it: no cookie, no credentials, no address.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::post::Sent;
use crate::core::{Cohort, Fault, Message, Origin, Publisher, Topic, Trace};

/// Of a field's name, before the key of an entry.
const PREFIX: &str = "x-message-";
const REQUEST_ID: &str = "x-request-id";
const METHOD: &str = "http-method";
const PATH: &str = "http-path";

const NOT_TEXT: Fault = Fault::Malformed("an x-message- field is not UTF-8");
const NO_KEY: Fault = Fault::Malformed("x-message- is no name of a field");
const OURS: Fault = Fault::Malformed("an x-message- field has the name of one of the gateway's");
const NO_TYPE: Fault = Fault::Malformed("Content-Type is not visible ASCII");

/// The message of a request, still without its body.
///
/// # Errors
/// It says what no message can say.
pub(super) fn message(topic: &Topic, sent: &Sent) -> Result<Message, Fault> {
    let headers = &sent.parts.headers;
    let publisher = Publisher::Client {
        connection: sent.connection,
    };
    let origin = Origin::at_the_edge(sent.id, Cohort::of(sent.id), sent.forced);
    let mut metadata = vec![
        (REQUEST_ID.to_owned(), sent.id.to_string()),
        (METHOD.to_owned(), sent.parts.method.to_string()),
        (PATH.to_owned(), sent.parts.uri.path().to_owned()),
    ];
    entries(headers, &mut metadata)?;
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::to_str);
    let content_type = content_type.transpose().map_err(|_| NO_TYPE)?;
    Ok(Message {
        content_type: content_type.map(Into::into),
        metadata,
        trace: Trace::of(headers),
        ..Message::new(topic.clone(), Default::default(), publisher, origin)
    })
}

/// The entries that the client names itself. A field in several lines is one entry
/// (RFC 9110 §5.3).
fn entries(headers: &HeaderMap, metadata: &mut Vec<(String, String)>) -> Result<(), Fault> {
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        match key {
            "" => return Err(NO_KEY),
            REQUEST_ID | METHOD | PATH => return Err(OURS),
            _ => metadata.push((key.to_owned(), value(headers, name)?)),
        }
    }
    Ok(())
}

fn value(headers: &HeaderMap, name: &http::HeaderName) -> Result<String, Fault> {
    let lines = headers.get_all(name).iter();
    let lines = lines.map(|line| std::str::from_utf8(line.as_bytes()));
    let lines: Result<Vec<_>, _> = lines.collect();
    lines.map(|lines| lines.join(", ")).map_err(|_| NOT_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::RequestBody;
    use crate::core::{Forced, RequestId};
    use http::{Request, request::Builder};
    use std::time::Instant;

    fn sent(builder: Builder) -> Sent {
        Sent {
            parts: builder.body(()).unwrap().into_parts().0,
            body: RequestBody::empty(),
            id: RequestId::next(),
            arrived: Instant::now(),
            forced: Forced::NONE,
            connection: 7,
        }
    }

    fn composed(builder: Builder) -> Result<Message, Fault> {
        message(&"orders.created".parse().unwrap(), &sent(builder))
    }

    #[test]
    fn a_message_says_where_it_comes_from_and_nothing_of_the_client() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = Request::put("/orders/7?secret=1")
            .header("content-type", "application/json")
            .header("x-message-tenant", "acme")
            .header("x-message-tag", "a")
            .header("x-message-tag", "b")
            .header("traceparent", trace)
            .header("cookie", "session=1")
            .header("authorization", "Bearer x")
            .header("x-forwarded-for", "192.0.2.1");
        let sent = sent(request);
        let message = message(&"orders.created".parse().unwrap(), &sent).unwrap();
        let expected = [
            ("x-request-id", &*sent.id.to_string()),
            ("http-method", "PUT"),
            ("http-path", "/orders/7"),
            ("tenant", "acme"),
            ("tag", "a, b"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut metadata = message.metadata.clone();
        metadata[3..].sort_by(|one, other| other.cmp(one));
        assert_eq!(metadata, expected);
        assert_eq!(message.content_type.as_deref(), Some("application/json"));
        assert_eq!(message.publisher, Publisher::Client { connection: 7 });
        assert_eq!(message.origin.id, sent.id);
        assert_eq!((message.origin.depth, message.reply_to), (0, None));
        assert!(message.trace.is_some());
    }

    #[test]
    fn a_client_cannot_speak_for_the_gateway() {
        for name in ["x-request-id", "http-method", "HTTP-Path"] {
            let request = Request::post("/").header(format!("x-message-{name}"), "x");
            assert_eq!(composed(request).unwrap_err(), OURS, "{name}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let latin = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        let request = Request::post("/").header("x-message-a", latin.clone());
        assert_eq!(composed(request).unwrap_err(), NOT_TEXT);
        let request = Request::post("/").header("x-message-", "a");
        assert_eq!(composed(request).unwrap_err(), NO_KEY);
        let request = Request::post("/").header("content-type", latin);
        assert_eq!(composed(request).unwrap_err(), NO_TYPE);
    }
}
