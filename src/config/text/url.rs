//! URLs of http and https: absolute, and read by every program as the same host and path.

use std::num::NonZeroU16;

use serde_json::{Value, json};

use crate::config::model::HostPattern;
use crate::config::read::{Refusal, Text};

/// A URL that the gateway itself asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct HttpUrl(pub String);

impl Text for HttpUrl {
    const NOUN: &'static str = "a URL";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = "expected one such as \"http://127.0.0.1:9000/healthy\"";
        let rest = text.strip_prefix("https://");
        let Some(rest) = rest.or_else(|| text.strip_prefix("http://")) else {
            return Err(Refusal::saying("a URL starts with http:// or https://").help(example));
        };
        check(rest)?;
        Ok(Self(text.into()))
    }

    fn may_hold_secret(text: &str) -> bool {
        may_hold_secret(text)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^https?://" })
    }
}

/// What stands behind the scheme: a host, perhaps a port, and what it is asked for.
pub(super) fn check(rest: &str) -> Result<(), Refusal> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(credentials());
    }
    let refuse = |message: &str, help: &str| Err(Refusal::saying(message).help(help));
    if rest.contains('#') {
        return refuse(
            "a fragment is never sent to a server",
            "leave out what begins with #",
        );
    }
    if !rest.bytes().all(may_stand) {
        return refuse(
            "it has characters that no URL has",
            "write them percent-encoded, such as %20 for a space",
        );
    }
    if !is_host_and_port(authority) {
        return refuse(
            "behind :// stands no host",
            "expected one such as \"downloads.example.com\", \"192.0.2.1:8443\" or \"[2001:db8::1]\"",
        );
    }
    Ok(())
}

pub(super) fn credentials() -> Refusal {
    Refusal::saying("a name or password does not belong in this file")
        .help("leave out what stands before the @")
}

/// Passwords stand before the `@` in front of a host, and what signs a URL in its query.
pub(super) fn may_hold_secret(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.contains('@') || rest.contains(['?', '#'])
}

/// RFC 3986 §2; programs disagree about the rest, such as backslashes.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// Where requests can be sent to: no wildcard, and no port 0.
pub(super) fn is_host_and_port(authority: &str) -> bool {
    let (host, port) = split_port(authority);
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<NonZeroU16>().is_ok()
    };
    let is_host = matches!(HostPattern::parse(host), Ok(HostPattern::Exact(_)));
    is_host && port.is_none_or(is_port)
}

/// The colons of an address in brackets are not the port's.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let address = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[address..].find(':') {
        Some(at) => {
            let (host, port) = authority.split_at(address + at);
            (host, Some(&port[1..]))
        }
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_host_and_are_kept_as_written() {
        for text in [
            "http://a",
            "https://A.example.com:8443/x/y?z=1&q=%20",
            "http://[::1]:9000/",
            "http://127.0.0.1:9000/healthy",
            "http://check_service/@/",
        ] {
            assert_eq!(HttpUrl::parse(text), Ok(HttpUrl(text.into())));
        }
    }

    #[test]
    fn what_is_no_url_says_why() {
        for (text, message) in [
            ("", "a URL starts with http:// or https://"),
            ("ftp://a", "a URL starts with http:// or https://"),
            ("localhost:9000", "a URL starts with http:// or https://"),
            ("http://", "behind :// stands no host"),
            ("http:///x", "behind :// stands no host"),
            ("http://:80/", "behind :// stands no host"),
            ("http://a:/", "behind :// stands no host"),
            ("http://a:0/", "behind :// stands no host"),
            ("http://a:+80/", "behind :// stands no host"),
            ("http://a:65536/", "behind :// stands no host"),
            ("http://::1/", "behind :// stands no host"),
            ("http://*.a/", "behind :// stands no host"),
            ("http://1.2.3/", "behind :// stands no host"),
            ("http://a/#b", "a fragment is never sent to a server"),
            ("http://a\\b/", "it has characters that no URL has"),
            ("http://a/\u{e4}", "it has characters that no URL has"),
            ("http://a/ b", "it has characters that no URL has"),
        ] {
            let refusal = HttpUrl::parse(text).unwrap_err();
            assert_eq!(refusal.message.as_deref(), Some(message), "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_password_is_secret() {
        for text in [
            "http://me:pw@a/",
            "http://a/ ?sig=pw",
            "me:pw@a",
            "http://a/#pw",
        ] {
            assert!(HttpUrl::may_hold_secret(text), "{text}");
        }
        assert!(!HttpUrl::may_hold_secret("http://a:80/@b"));
    }
}
