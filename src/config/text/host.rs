//! Host names, in routes and in certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::model::HostPattern;
use crate::config::read::{Refusal, Text};

use super::url::{is_host_and_port, split_port};

impl Text for HostPattern {
    const NOUN: &'static str = "a host";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some(address) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return bracketed(address);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Err(Refusal::expecting(format!(
                "an IPv6 address stands in brackets: \"[{address}]\""
            )));
        }
        refuse_what_is_no_name(text)?;
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix('*') {
            Some(parent) => check_name(parent.strip_prefix('.').unwrap_or(parent))
                .map(|()| Self::Wildcard(parent.into())),
            None if lower.parse::<Ipv4Addr>().is_ok() => Ok(Self::Exact(lower)),
            None => check_name(&lower).map(|()| Self::Exact(lower)),
        }
    }
}

fn bracketed(address: &str) -> Result<HostPattern, Refusal> {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => Ok(HostPattern::Exact(format!("[{address}]"))),
        Err(_) => Err(Refusal::expecting(
            "in brackets stands an IPv6 address: \"[2001:db8::1]\"",
        )),
    }
}

/// The usual slips, each with what to write instead.
fn refuse_what_is_no_name(text: &str) -> Result<(), Refusal> {
    let expecting = |help: String| Err(Refusal::expecting(help));
    if text == "*" {
        return expecting("for any host leave `hosts` out".into());
    }
    if let Some((_, rest)) = text.split_once("://") {
        return expecting(format!("write it without the scheme: {rest:?}"));
    }
    if let Some((name, _)) = text.split_once(':') {
        return expecting(format!("the port does not count, write {name:?}"));
    }
    if !text.is_ascii() {
        return expecting("write the name as it travels, in its xn-- form".into());
    }
    if text.starts_with('*') && !text.starts_with("*.") {
        return expecting(format!(
            "a wildcard stands for whole labels: \"*.{}\"",
            text.trim_start_matches('*')
        ));
    }
    match text.strip_suffix('.') {
        Some(name) if !name.is_empty() => {
            expecting(format!("without the dot at its end: {name:?}"))
        }
        _ => Ok(()),
    }
}

/// RFC 1123 §2.1, and the underscore that names inside of clusters have.
fn check_name(name: &str) -> Result<(), Refusal> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // RFC 3986 §3.2.2: what ends in a number is an IPv4 address or nothing.
    let numeric =
        |label: &str| !label.is_empty() && label.bytes().all(|digit| digit.is_ascii_digit());
    let ends_in_number = name.rsplit('.').next().is_some_and(numeric);
    if name.len() > 253 || ends_in_number || !name.split('.').all(label) {
        return Err(Refusal::expecting(
            "expected one such as \"shop.example.com\", \"*.example.com\" or \"192.0.2.1\"",
        ));
    }
    Ok(())
}

/// A name that a self-signed certificate can carry: a host, or an address without brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct CertificateName(pub String);

impl Text for CertificateName {
    const NOUN: &'static str = HostPattern::NOUN;

    fn parse(text: &str) -> Result<Self, Refusal> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        match HostPattern::parse(text)? {
            HostPattern::Exact(name) => Ok(Self(name.trim_matches(['[', ']']).into())),
            HostPattern::Wildcard(parent) => Ok(Self(format!("*{parent}"))),
        }
    }
}

/// A host by which the admin API may be reached, in lower case; its port does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct AdminHost(pub String);

impl Text for AdminHost {
    const NOUN: &'static str = HostPattern::NOUN;

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains('*') {
            let help = "each host is named in full: a wildcard would let others' pages in";
            return Err(Refusal::expecting(help));
        }
        let host = match is_host_and_port(text) {
            true => split_port(text).0,
            false => text,
        };
        match HostPattern::parse(host)? {
            HostPattern::Exact(name) | HostPattern::Wildcard(name) => Ok(Self(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_kept_in_lower_case_and_without_their_star() {
        let parsed = |text| HostPattern::parse(text).unwrap();
        assert_eq!(
            parsed("Shop.Example.com"),
            HostPattern::Exact("shop.example.com".into())
        );
        assert_eq!(
            parsed("*.example.com"),
            HostPattern::Wildcard(".example.com".into())
        );
        assert_eq!(parsed("192.0.2.1"), HostPattern::Exact("192.0.2.1".into()));
        assert_eq!(
            parsed("[2001:DB8:0::1]"),
            HostPattern::Exact("[2001:db8::1]".into())
        );
        assert_eq!(
            parsed("my_service"),
            HostPattern::Exact("my_service".into())
        );
    }

    #[test]
    fn what_is_no_host_says_what_to_write() {
        for (text, help) in [
            ("*", "for any host leave `hosts` out"),
            ("a.com:80", "the port does not count, write \"a.com\""),
            ("http://a.com", "write it without the scheme: \"a.com\""),
            ("*a.com", "a wildcard stands for whole labels: \"*.a.com\""),
            ("a.com.", "without the dot at its end: \"a.com\""),
            ("::1", "an IPv6 address stands in brackets: \"[::1]\""),
            (
                "[1.2.3.4]",
                "in brackets stands an IPv6 address: \"[2001:db8::1]\"",
            ),
            (
                "bücher.de",
                "write the name as it travels, in its xn-- form",
            ),
        ] {
            assert_eq!(
                HostPattern::parse(text).unwrap_err().help.as_deref(),
                Some(help),
                "{text}"
            );
        }
        for text in [
            "",
            ".",
            "*.",
            "a..b",
            "-a",
            "a b",
            "300.1.1.1",
            "1.2.3",
            "a/b",
            "*.*.a",
        ] {
            assert!(HostPattern::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn certificates_carry_names_and_addresses() {
        for (text, name) in [
            ("localhost", "localhost"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("*.dev.test", "*.dev.test"),
        ] {
            assert_eq!(
                CertificateName::parse(text),
                Ok(CertificateName(name.into()))
            );
        }
    }
}
