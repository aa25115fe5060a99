//! Who the client is, said to guests: `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! What a client says of itself, in these or any other `X-Forwarded-*`, is believed only where the operator trusts the peer; from
//! anybody else these fields are removed, so that a guest can rely on them.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::header::{FORWARDED, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::service::Peer;
use crate::component::Scheme;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Addresses that are looked at on the way back to a client.
const MOST_PROXIES: usize = 32;

pub(crate) fn set(headers: &mut HeaderMap, peer: &Peer, trusted: &[ipnet::IpNet]) {
    let scheme = HeaderValue::from_static(peer.scheme.as_str());
    if !is_trusted(&peer.address, trusted) {
        remove_claims(headers);
        headers.insert(FOR, peer.address_value.clone());
        headers.insert(PROTO, scheme);
        return;
    }
    headers.insert(FOR, through(headers, peer));
    headers.entry(PROTO).or_insert(scheme);
}

fn is_trusted(address: &IpAddr, trusted: &[ipnet::IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(address))
}

/// Removes everything by which a client could pass for a proxy.
fn remove_claims(headers: &mut HeaderMap) {
    let is_claim =
        |name: &&HeaderName| **name == FORWARDED || name.as_str().starts_with("x-forwarded-");
    // Nearly always there is none.
    while let Some(claim) = headers.keys().find(is_claim).cloned() {
        headers.remove(claim);
    }
}

/// The addresses a request came through, the nearest last. A field may come in several
/// lines (RFC 9110 §5.3), and whoever reads only one of them can be lied to.
fn through(headers: &HeaderMap, peer: &Peer) -> HeaderValue {
    let mut addresses = Vec::new();
    for line in headers.get_all(FOR) {
        addresses.extend_from_slice(line.as_bytes());
        addresses.extend_from_slice(b", ");
    }
    addresses.extend_from_slice(peer.address_value.as_bytes());
    HeaderValue::from_maybe_shared(Bytes::from(addresses))
        .unwrap_or_else(|_| peer.address_value.clone())
}

/// Whom a request comes from, once [`set`] has been there: the nearest address on its way
/// that is not a trusted proxy. Whoever tells something that is no address is the nearest.
pub(crate) fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[ipnet::IpNet]) -> IpAddr {
    let way = headers.get(FOR).map_or(&b""[..], HeaderValue::as_bytes);
    // The peer itself stands last.
    let told = way.rsplit(|byte| *byte == b',').skip(1);
    let mut client = peer;
    for address in told.take(MOST_PROXIES).map(address) {
        match address {
            Some(address) if is_trusted(&client, trusted) => client = address,
            _ => break,
        }
    }
    client
}

/// An address as proxies write it: also with a port, IPv6 then in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse();
    let with_port = || text.parse().map(|it: SocketAddr| it.ip());
    alone
        .or_else(|_| with_port())
        .ok()
        .map(|it: IpAddr| it.to_canonical())
}

/// The scheme the client used, where a trusted peer tells it.
pub(crate) fn scheme(headers: &HeaderMap, peer: &Peer) -> Scheme {
    match headers.get(PROTO).map(HeaderValue::as_bytes) {
        Some(b"https") => Scheme::Https,
        Some(b"http") => Scheme::Http,
        _ => peer.scheme,
    }
}

/// The host a request is for, without its port, as the client spelled it.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(way: &'static str) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let peer = way.rsplit(", ").next().unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(FOR, HeaderValue::from_static(way));
        client(&headers, peer, &trusted).to_string()
    }

    #[test]
    fn the_client_is_the_nearest_that_is_no_trusted_proxy() {
        for (way, client) in [
            ("192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("192.0.2.1, 10.0.0.2, 10.0.0.1", "192.0.2.1"),
            ("198.51.100.1, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.3,10.0.0.2, 10.0.0.1", "10.0.0.3"),
            ("2001:db8::1, fd00::1", "2001:db8::1"),
        ] {
            assert_eq!(client_of(way), client, "{way}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (told, client) in [
            ("192.0.2.1:4711, 10.0.0.1", "192.0.2.1"),
            ("[2001:db8::1]:4711, 10.0.0.1", "2001:db8::1"),
            ("[2001:db8::1], 10.0.0.1", "2001:db8::1"),
            ("::ffff:192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("192.0.2.1, unknown, 10.0.0.1", "10.0.0.1"),
            ("192.0.2.1, , 10.0.0.1", "10.0.0.1"),
            ("192.0.2.1, x, 10.0.0.2, 10.0.0.1", "10.0.0.2"),
        ] {
            assert_eq!(client_of(told), client, "{told}");
        }
    }

    #[test]
    fn the_way_back_has_an_end() {
        let way = "10.0.0.9, ".repeat(1_000) + "10.0.0.1";
        assert_eq!(client_of(way.leak()), "10.0.0.9");
    }
}
