//! Who the client is, said to guests: `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! What a client says of itself, in these or any other `X-Forwarded-*`, is believed only where the operator trusts the peer; from
//! anybody else these fields are removed, so that a guest can rely on them.

use bytes::Bytes;
use http::header::{FORWARDED, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::service::Peer;
use crate::component::Scheme;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

pub(crate) fn set(headers: &mut HeaderMap, peer: &Peer, trusted: &[ipnet::IpNet]) {
    let scheme = HeaderValue::from_static(peer.scheme.as_str());
    let believed = !trusted.is_empty() && trusted.iter().any(|net| net.contains(&peer.address));
    if !believed {
        remove_claims(headers);
        headers.insert(FOR, peer.address_value.clone());
        headers.insert(PROTO, scheme);
        return;
    }
    headers.insert(FOR, through(headers, peer));
    headers.entry(PROTO).or_insert(scheme);
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
