//! What a client is known by, as a key: so that it meets the same version every time.
//!
//! A client can choose what it sends, and with it its version; nothing is granted by that.
//! What it sends is bounded by the limits on a request's head.

use std::net::IpAddr;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::core::{Affinity, stable_hash};

/// The key of a request, the same on every node; `None` where the client sends nothing, or
/// nothing in it. Of fields in several lines the first counts.
///
/// `client` is the client's address; IPv6 counts as a whole, since a network of 2⁶⁴ may be one
/// phone or one university.
pub(crate) fn key(
    affinity: &Affinity,
    headers: &HeaderMap,
    client: impl FnOnce() -> IpAddr,
) -> Option<u64> {
    let hash = |value: &[u8]| (!value.is_empty()).then(|| stable_hash(value));
    match affinity {
        Affinity::Header(name) => hash(headers.get(name)?.as_bytes()),
        Affinity::Cookie(name) => hash(cookie(headers, name.as_bytes())?),
        Affinity::ClientIp => match client() {
            IpAddr::V4(address) => hash(&address.octets()),
            IpAddr::V6(address) => hash(&address.octets()),
        },
    }
}

/// The value of the first cookie of this name, quotes and all (RFC 6265 §5.4). HTTP/2 may
/// send each cookie in a field of its own (RFC 9113 §8.2.3).
fn cookie<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let mut cookies = fields.flat_map(|field| field.split(|byte| *byte == b';'));
    cookies.find_map(|cookie| {
        let equals = cookie.iter().position(|byte| *byte == b'=')?;
        let (given, value) = (&cookie[..equals], &cookie[equals + 1..]);
        (given.trim_ascii() == name).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn of(affinity: &Affinity, headers: &HeaderMap) -> Option<u64> {
        key(affinity, headers, || unreachable!("nobody asked for it"))
    }

    #[test]
    fn a_header_is_a_key_where_it_has_a_value() {
        let affinity = Affinity::Header(HeaderName::from_static("x-user-id"));
        let key = |values| of(&affinity, &fields(values));
        assert_eq!(key(&[("x-user-id", "42")]), Some(stable_hash(b"42")));
        let two = [("x-user-id", "42"), ("x-user-id", "43")];
        assert_eq!(key(&two), Some(stable_hash(b"42")));
        assert_eq!(key(&[("x-user-id", "")]), None);
        assert_eq!(key(&[("x-user", "42")]), None);
    }

    #[test]
    fn a_cookie_is_found_wherever_it_stands() {
        let affinity = Affinity::Cookie("session".into());
        let (found, nothing) = (Some(stable_hash(b"abc")), None);
        let rows: [(&[&'static str], Option<u64>); 13] = [
            (&["session=abc"], found),
            (&["theme=dark; session=abc; lang=en"], found),
            (&["theme=dark;session=abc"], found),
            (&["theme=dark", "session=abc", "lang=en"], found),
            (&["session=abc; session=def"], found),
            (&["session=abc", "session=def"], found),
            (&[" session = abc "], found),
            (&["; ;=;session;session=abc"], found),
            (&["Session=abc; xsession=abc; sessionx=abc"], nothing),
            (&["session="], nothing),
            (&["session"], nothing),
            (&["theme=session=abc"], nothing),
            (&[], nothing),
        ];
        for (lines, expected) in rows {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            assert_eq!(of(&affinity, &fields(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_value_of_a_cookie_is_taken_as_it_is() {
        let affinity = Affinity::Cookie("session".into());
        let key = |line| of(&affinity, &fields(&[("cookie", line)]));
        assert_eq!(key("session=\"a b\""), Some(stable_hash(b"\"a b\"")));
        assert_eq!(key("session=a=b=="), Some(stable_hash(b"a=b==")));
        assert_ne!(key("session=\"a\""), key("session=a"));
    }

    #[test]
    fn fields_that_are_no_text_are_keys_too() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"session=\xff\xfe").unwrap();
        headers.insert(COOKIE, value);
        let key = of(&Affinity::Cookie("session".into()), &headers);
        assert_eq!(key, Some(stable_hash(b"\xff\xfe")));
    }

    #[test]
    fn an_address_is_a_key_as_a_whole() {
        let key = |address: &str| {
            let client = || address.parse().unwrap();
            key(&Affinity::ClientIp, &HeaderMap::new(), client)
        };
        assert!(key("192.0.2.1").is_some());
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8::2"));
    }
}
