//! Grants as the operator writes them: `https://*.stock.example.com:8443`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::{HostGrant, HttpGrant, HttpScheme, PortGrant, SocketGrant, Transport};

/// Why a text is no grant, in words that say what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("a grant starts with its scheme: {0}")]
    Scheme(&'static str),
    #[error("the scheme {found:?} is not granted here: {known}")]
    UnknownScheme { found: String, known: &'static str },
    #[error("a grant ends after host and port, but here comes {0:?}")]
    Rest(String),
    #[error("a grant names no user")]
    User,
    #[error("{0:?} is not a host name, an address or a pattern such as *.example.com")]
    Host(String),
    #[error("a network such as {0:?} can be granted to sockets only")]
    Network(String),
    #[error("{0:?} is not a port from 1 to 65535, or * for any")]
    Port(String),
    #[error("a socket grant needs a port: add :5432, or :* for any")]
    NoPort,
}

impl FromStr for HttpGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        const KNOWN: &str = "http:// or https://";
        let (scheme, rest) = text.split_once("://").ok_or(GrantError::Scheme(KNOWN))?;
        let scheme = match scheme {
            "http" => HttpScheme::Http,
            "https" => HttpScheme::Https,
            _ => {
                return Err(GrantError::UnknownScheme {
                    found: scheme.into(),
                    known: KNOWN,
                });
            }
        };
        let (host, port) = host_and_port(rest.strip_suffix('/').unwrap_or(rest))?;
        if let HostGrant::Network(network) = host {
            return Err(GrantError::Network(network.to_string()));
        }
        let port = port.unwrap_or(PortGrant::One(scheme.default_port()));
        Ok(Self { scheme, host, port })
    }
}

impl FromStr for SocketGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        const KNOWN: &str = "tcp:// or udp://";
        let (scheme, rest) = text.split_once("://").ok_or(GrantError::Scheme(KNOWN))?;
        let transport = match scheme {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => {
                return Err(GrantError::UnknownScheme {
                    found: scheme.into(),
                    known: KNOWN,
                });
            }
        };
        let (host, port) = host_and_port(rest)?;
        let port = port.ok_or(GrantError::NoPort)?;
        Ok(Self {
            transport,
            host,
            port,
        })
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`, `10.0.0.0/8:port`, `[2001:db8::/32]:port`.
fn host_and_port(text: &str) -> Result<(HostGrant, Option<PortGrant>), GrantError> {
    if text.contains('@') {
        return Err(GrantError::User);
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner
                .split_once(']')
                .ok_or_else(|| GrantError::Host(text.into()))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(GrantError::Rest(rest.into())),
            }
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let in_brackets = text.starts_with('[');
    let port = port.map(parse_port).transpose()?;
    Ok((parse_host(host, in_brackets)?, port))
}

fn parse_port(text: &str) -> Result<PortGrant, GrantError> {
    if text == "*" {
        return Ok(PortGrant::Any);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(PortGrant::One(port)),
        _ => match text.split_once('/') {
            Some((_, rest)) => Err(GrantError::Rest(format!("/{rest}"))),
            None => Err(GrantError::Port(text.into())),
        },
    }
}

fn parse_host(text: &str, in_brackets: bool) -> Result<HostGrant, GrantError> {
    let invalid = || GrantError::Host(text.into());
    if let Some((_, rest)) = text.split_once('/') {
        return match text.parse::<IpNet>() {
            Ok(network) if network.addr().is_ipv6() == in_brackets => {
                Ok(HostGrant::Network(without_mapping(network.trunc())))
            }
            _ if rest.bytes().all(|byte| byte.is_ascii_digit()) => Err(invalid()),
            _ => Err(GrantError::Rest(format!("/{rest}"))),
        };
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return match address.is_ipv6() == in_brackets {
            true => Ok(HostGrant::Address(address.to_canonical())),
            false => Err(invalid()),
        };
    }
    if in_brackets {
        return Err(invalid());
    }
    if text == "*" {
        return Ok(HostGrant::Any);
    }
    match text.strip_prefix("*.") {
        Some(parent) => parse_name(parent).map(HostGrant::Below),
        None => parse_name(text).map(HostGrant::Name),
    }
    .ok_or_else(invalid)
}

/// IPv4 written as IPv6 would match no address: those are taken for what they map.
fn without_mapping(network: IpNet) -> IpNet {
    let length = network.prefix_len().checked_sub(96);
    match (network.addr().to_canonical(), length) {
        (address @ IpAddr::V4(_), Some(length)) if network.addr().is_ipv6() => {
            IpNet::new(address, length).unwrap_or(network)
        }
        _ => network,
    }
}

/// A DNS name in lower case (RFC 1123 §2.1; underscores, as many internal names have them).
fn parse_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(known)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What ends in a number is an address in one of its many spellings, and no name (WHATWG URL §3.5).
    let last = name.rsplit('.').next()?;
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (name.len() <= 253 && name.split('.').all(is_label) && !is_number).then_some(name)
}

impl fmt::Display for HostGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Below(parent) => write!(f, "*.{parent}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Network(IpNet::V6(network)) => write!(f, "[{network}]"),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

impl fmt::Display for PortGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(port) => write!(f, "{port}"),
        }
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        match self.port {
            PortGrant::One(port) if port == self.scheme.default_port() => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

impl fmt::Display for SocketGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            transport,
            host,
            port,
        } = self;
        write!(f, "{}://{host}:{port}", transport.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_and_written_alike() {
        for text in [
            "https://payments.example.com",
            "https://*.stock.example.com:8443",
            "http://localhost:8080",
            "https://*:*",
            "http://[2001:db8::1]:81",
            "http://192.0.2.1",
        ] {
            let grant: HttpGrant = text.parse().unwrap();
            assert_eq!(grant.to_string(), text);
        }
        for text in [
            "tcp://db.internal:5432",
            "udp://10.0.0.0/8:53",
            "tcp://[fd00::/8]:*",
        ] {
            let grant: SocketGrant = text.parse().unwrap();
            assert_eq!(grant.to_string(), text);
        }
    }

    #[test]
    fn names_are_in_lower_case_and_without_a_dot_at_the_end() {
        let grant: HttpGrant = "https://API.Example.com./".parse().unwrap();
        assert_eq!(grant.host, HostGrant::Name("api.example.com".into()));
    }

    #[test]
    fn mapped_addresses_are_the_addresses_they_map() {
        let grant: HttpGrant = "http://[::ffff:192.0.2.1]".parse().unwrap();
        assert_eq!(grant.to_string(), "http://192.0.2.1");
        let grant: SocketGrant = "tcp://[::ffff:10.0.0.0/104]:1".parse().unwrap();
        assert_eq!(grant.to_string(), "tcp://10.0.0.0/8:1");
        let grant: SocketGrant = "tcp://[::/80]:1".parse().unwrap();
        assert_eq!(grant.to_string(), "tcp://[::/80]:1");
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "http://",
            "http://user@example.com",
            "http://example.com/path",
            "http://example.com:80/path",
            "http://example.com:0",
            "http://example.com:65536",
            "http://example.com:+80",
            "http://exa mple.com",
            "http://a..b",
            "http://*.*.example.com",
            "http://exa*mple.com",
            "http://0x7f000001",
            "http://2130706433",
            "http://127.1",
            "http://10.0.0.0/8",
            "http://[::1",
            "http://[::1]x",
            "http://::1",
            "http://[127.0.0.1]",
        ] {
            assert!(text.parse::<HttpGrant>().is_err(), "{text}");
        }
        for text in [
            "tcp://db.internal",
            "http://db.internal:1",
            "tcp://10.0.0.0/33:1",
        ] {
            assert!(text.parse::<SocketGrant>().is_err(), "{text}");
        }
    }
}
