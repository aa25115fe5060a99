//! What a request asks for, once it is sure that HTTP allows the question.
//!
//! hyper is lenient where a gateway must not be: two components that read the same head
//! differently are how requests get smuggled.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue, Method, Uri, Version};

use crate::config::ServerLimits;
use crate::core::Fault;

/// Checks a request head and brings it into the one form that routes and guests see:
/// `Host` is present, valid and agrees with the target, and the path is normalised.
///
/// # Errors
/// What the client must mend.
pub(crate) fn check(parts: &mut Parts, limits: &ServerLimits) -> Result<(), Fault> {
    if parts.method == Method::CONNECT {
        return Err(Fault::Malformed("CONNECT is not for a gateway"));
    }
    if parts.headers.len() > limits.headers as usize {
        return Err(Fault::HeadTooLarge);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target as u64 > limits.uri.0 {
        return Err(Fault::UriTooLong);
    }
    check_framing(parts)?;
    check_host(parts)?;
    remove_hop_by_hop(parts);
    normalise(parts)
}

/// One length, one way of framing (RFC 9112 §6.3).
fn check_framing(parts: &Parts) -> Result<(), Fault> {
    if parts
        .headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .nth(1)
        .is_some()
    {
        return Err(Fault::Malformed("more than one Content-Length"));
    }
    if parts.version < Version::HTTP_11 && parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Fault::Malformed("Transfer-Encoding in HTTP/1.0"));
    }
    Ok(())
}

/// Exactly one valid host (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn check_host(parts: &mut Parts) -> Result<(), Fault> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let field = hosts.next();
    if hosts.next().is_some() {
        return Err(Fault::Malformed("more than one Host"));
    }
    if let Some(authority) = parts.uri.authority() {
        check_authority(authority)?;
        let authority = authority.as_str();
        return match field {
            Some(field) if parts.version >= Version::HTTP_2 => {
                let same = field.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
                same.then_some(())
                    .ok_or(Fault::Malformed("Host and :authority disagree"))
            }
            // The target wins over the field (RFC 9112 §3.2.2), so nobody may see the field.
            _ => {
                let value = HeaderValue::try_from(authority)
                    .map_err(|_| Fault::Malformed("the authority is not valid"))?;
                parts.headers.insert(HOST, value);
                Ok(())
            }
        };
    }
    match field {
        Some(field) if is_plain_host(field.as_bytes()) => Ok(()),
        Some(field) => {
            let authority = Authority::try_from(field.as_bytes())
                .map_err(|_| Fault::Malformed("Host is not valid"))?;
            check_authority(&authority)
        }
        // HTTP/1.0 knows no Host; a guest cannot do without one.
        None if parts.version < Version::HTTP_11 => {
            parts
                .headers
                .insert(HOST, HeaderValue::from_static("localhost"));
            Ok(())
        }
        None => Err(Fault::Malformed("Host is missing")),
    }
}

/// A name or address with a port and nothing else: what nearly every client sends.
fn is_plain_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().position(|byte| *byte == b':') {
        Some(colon) => (&host[..colon], &host[colon + 1..]),
        None => (host, &b""[..]),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !name.is_empty()
        && name.iter().all(is_name)
        && port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
}

fn check_authority(authority: &Authority) -> Result<(), Fault> {
    let text = authority.as_str();
    let port = text
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|port| !port.ends_with(']'));
    if text.contains('@') || authority.host().is_empty() {
        return Err(Fault::Malformed("Host is not valid"));
    }
    match port {
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.len() > 5 => {
            Err(Fault::Malformed("the port of Host is not valid"))
        }
        _ => Ok(()),
    }
}

/// Fields meant for this connection alone go no further (RFC 9110 §7.6.1). Those with a
/// fixed meaning are kept from guests by the runtime; these are the ones a client names.
fn remove_hop_by_hop(parts: &mut Parts) {
    let usual = |value: &HeaderValue| {
        let value = value.as_bytes();
        value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
    };
    if parts.headers.get_all(CONNECTION).iter().all(usual) {
        return;
    }
    let values = parts
        .headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let names: Vec<HeaderName> = values
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in names {
        parts.headers.remove(name);
    }
}

/// One path for one resource: dot segments are resolved and what need not be encoded is
/// not (RFC 3986 §6.2.2), so that `/a/%2e%2e/admin` is `/admin` for everybody.
fn normalise(parts: &mut Parts) -> Result<(), Fault> {
    let path = parts.uri.path();
    if path == "*" && parts.method == Method::OPTIONS {
        return Ok(());
    }
    if !path.starts_with('/') && !path.is_empty() {
        return Err(Fault::Malformed("the path does not start with `/`"));
    }
    if is_normal(path) {
        return Ok(());
    }
    let mut target = remove_dot_segments(&decode_unreserved(path)?);
    if let Some(query) = parts.uri.query() {
        target.push('?');
        target.push_str(query);
    }
    let invalid = |_| Fault::Malformed("the path is not valid");
    let path_and_query = PathAndQuery::try_from(target).map_err(invalid)?;
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(path_and_query);
    parts.uri = Uri::from_parts(uri).map_err(|_| Fault::Malformed("the path is not valid"))?;
    Ok(())
}

fn is_normal(path: &str) -> bool {
    let bytes = path.as_bytes();
    !path.is_empty() && !bytes.contains(&b'%') && !bytes.windows(2).any(|pair| pair == b"/.")
}

fn decode_unreserved(path: &str) -> Result<String, Fault> {
    let mut normal = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            normal.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| (digit as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(Fault::Malformed("`%` is not followed by two hex digits"));
        };
        let decoded = (high * 16 + low) as u8;
        match decoded {
            0 => return Err(Fault::Malformed("the path has a zero byte")),
            b'-' | b'.' | b'_' | b'~' => normal.push(decoded),
            _ if decoded.is_ascii_alphanumeric() => normal.push(decoded),
            _ => normal.extend_from_slice(format!("%{decoded:02X}").as_bytes()),
        }
    }
    String::from_utf8(normal).map_err(|_| Fault::Malformed("the path is not valid"))
}

/// RFC 3986 §5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_directory = false;
    for segment in path.split('/').skip(1) {
        ends_in_directory = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let mut normal = String::with_capacity(path.len());
    for segment in &segments {
        normal.push('/');
        normal.push_str(segment);
    }
    if ends_in_directory || normal.is_empty() {
        normal.push('/');
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use proptest::prelude::*;

    fn parts(version: Version, target: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn checked(target: &str, fields: &[(&str, &str)]) -> Result<Parts, Fault> {
        let mut parts = parts(Version::HTTP_11, target, fields);
        check(&mut parts, &ServerLimits::default()).map(|()| parts)
    }

    #[test]
    fn paths_are_normalised() {
        for (target, normal) in [
            ("/a/b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/%2e%2e/admin", "/admin"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/a/..", "/"),
            ("/%7Euser/%41", "/~user/A"),
            ("/a%2fb", "/a%2Fb"),
            ("/a//b", "/a//b"),
            ("/.well-known/x?q=%2e%2e", "/.well-known/x?q=%2e%2e"),
        ] {
            let parts = checked(target, &[("host", "a")]).unwrap();
            assert_eq!(
                parts.uri.path_and_query().unwrap().as_str(),
                normal,
                "{target}"
            );
        }
    }

    #[test]
    fn malformed_heads_are_refused() {
        let bad: [(&str, &[(&str, &str)]); 8] = [
            ("/", &[]),
            ("/", &[("host", "a"), ("host", "b")]),
            ("/", &[("host", "user@a")]),
            ("/", &[("host", "a b")]),
            ("/", &[("host", "a:port")]),
            ("/%zz", &[("host", "a")]),
            ("/%00", &[("host", "a")]),
            (
                "/",
                &[
                    ("host", "a"),
                    ("content-length", "1"),
                    ("content-length", "2"),
                ],
            ),
        ];
        for (target, fields) in bad {
            assert!(
                matches!(checked(target, fields), Err(Fault::Malformed(_))),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn the_target_wins_over_the_host_field() {
        let parts = checked("http://real/", &[("host", "forged")]).unwrap();
        assert_eq!(parts.headers[HOST], "real");
    }

    #[test]
    fn http2_refuses_a_host_that_disagrees() {
        let mut parts = parts(Version::HTTP_2, "http://real/", &[("host", "forged")]);
        assert!(check(&mut parts, &ServerLimits::default()).is_err());
    }

    #[test]
    fn fields_a_client_names_in_connection_go_no_further() {
        let parts = checked(
            "/",
            &[
                ("host", "a"),
                ("connection", "close, x-hop"),
                ("x-hop", "1"),
            ],
        );
        assert!(!parts.unwrap().headers.contains_key("x-hop"));
    }

    #[test]
    fn long_targets_and_many_fields_have_faults_of_their_own() {
        let long = format!("/{}", "a".repeat(9_000));
        assert_eq!(
            checked(&long, &[("host", "a")]).unwrap_err(),
            Fault::UriTooLong
        );
        let names: Vec<String> = (0..101).map(|i| format!("x-{i}")).collect();
        let mut fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        fields.push(("host", "a"));
        assert_eq!(checked("/", &fields).unwrap_err(), Fault::HeadTooLarge);
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(path in "/([a-z0-9./]|%2[eEfF]|%[1-7][0-9a-fA-F]){0,40}") {
            let Ok(target) = Uri::try_from(path) else { return Ok(()) };
            let mut head = parts(Version::HTTP_11, &target.to_string(), &[("host", "a")]);
            prop_assume!(normalise(&mut head).is_ok());
            let once = head.uri.clone();
            normalise(&mut head).unwrap();
            prop_assert_eq!(&head.uri, &once);
            prop_assert!(!once.path().split('/').any(|segment| segment == ".." || segment == "."));
        }
    }
}
