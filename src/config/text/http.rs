//! Header names and values, methods, status codes.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::config::read::{Node, Problems, Refusal, Shape, Text, whole_number};

impl Text for HeaderName {
    const NOUN: &'static str = "a header name";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let expected = "expected letters, digits and `-`, such as \"x-request-id\"";
        text.parse().map_err(|_| Refusal::expecting(expected))
    }
}

impl Text for HeaderValue {
    const NOUN: &'static str = "a header value";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim() != text {
            let help = format!("HTTP takes the spaces away, write {:?}", text.trim());
            return Err(Refusal::expecting(help));
        }
        let expected = "expected visible ASCII characters and spaces";
        let value = text.is_ascii().then(|| text.parse().ok());
        value.flatten().ok_or_else(|| Refusal::expecting(expected))
    }
}

const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

impl Text for Method {
    const NOUN: &'static str = "a method";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let upper = text.to_ascii_uppercase();
        if upper == "CONNECT" {
            return Err(Refusal::saying(
                "CONNECT names no path that a route could match",
            ));
        }
        // Methods are case-sensitive (RFC 9110 §9.1): `get` is one that no client sends.
        if METHODS.iter().any(|known| known.as_str() == upper) && upper != text {
            return Err(Refusal::saying(format!(
                "unknown method {text:?}, did you mean {upper:?}?"
            )));
        }
        text.parse()
            .map_err(|_| Refusal::expecting("expected one such as \"GET\""))
    }
}

impl Shape for StatusCode {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let code = whole_number(node, 200, 599, problems)?;
        Self::from_u16(u16::try_from(code).ok()?).ok()
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 200, "maximum": 599 })
    }
}
