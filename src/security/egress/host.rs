//! The host of a request as one canonical thing: an address, or a name that no resolver
//! takes for an address.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::core::HostGrant;

/// Where a request wants to go. Two spellings of one host are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanonicalHost<'a> {
    /// In lower case, without a dot at its end.
    Name(Cow<'a, str>),
    /// Never v4-mapped.
    Address(IpAddr),
}

impl<'a> CanonicalHost<'a> {
    /// Reads the host of a URI authority, with or without the brackets of an IPv6 address.
    /// `None`: nothing that anything could be granted for, such as `127.1` or `[fe80::1%eth0]`.
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            return parse_v6(inner.strip_suffix(']')?);
        }
        if text.contains(':') {
            return parse_v6(text);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Some(Self::Address(address.into())),
            Err(_) => is_name(text).then(|| Self::Name(in_lower_case(text))),
        }
    }

    pub fn is_covered_by(&self, grant: &HostGrant) -> bool {
        match (grant, self) {
            (HostGrant::Any, _) => true,
            (HostGrant::Name(granted), Self::Name(name)) => granted == name,
            (HostGrant::Below(parent), Self::Name(name)) => name
                .strip_suffix(parent.as_str())
                .is_some_and(|labels| labels.ends_with('.')),
            (HostGrant::Address(granted), Self::Address(address)) => granted == address,
            (HostGrant::Network(network), Self::Address(address)) => network.contains(address),
            _ => false,
        }
    }
}

/// As a URI has it: an IPv6 address is in brackets.
impl fmt::Display for CanonicalHost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

fn parse_v6(text: &str) -> Option<CanonicalHost<'static>> {
    let address: Ipv6Addr = text.parse().ok()?;
    Some(CanonicalHost::Address(address.to_canonical()))
}

fn in_lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// A DNS name (RFC 1123 §2.1, and underscores), as grants have them too.
fn is_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !is_number(last)
}

fn is_label(label: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(is_known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Resolvers read what ends in a number as an address, in octal, in hex, or with parts
/// left out (WHATWG URL §3.5, `inet_aton`): `0x7f.1` is loopback.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
