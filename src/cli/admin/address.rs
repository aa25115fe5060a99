//! Where an admin API is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

/// An admin API over HTTP, or over a unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Address {
    /// `http` or `https`, a host, perhaps the path that a proxy put in front.
    Http(Url),
    Unix(PathBuf),
}

/// Text that is no address of an admin API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum AddressError {
    #[error("expected one such as http://127.0.0.1:9901 or unix:/run/airgate/admin.sock")]
    Form,
    #[error("the token does not stand in the address: AIRGATE_ADMIN_TOKEN, or --token-file FILE")]
    User,
    #[error("an address ends before `?` and `#`")]
    Query,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(AddressError::Form),
                path => Ok(Self::Unix(path.into())),
            };
        }
        // Host and port alone, as in the file. A number alone would be an IPv4 address.
        let url = match text.contains("://") {
            true => Url::parse(text),
            false if text.contains(':') => Url::parse(&format!("http://{text}")),
            false => return Err(AddressError::Form),
        };
        let url = url.map_err(|_| AddressError::Form)?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(AddressError::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::User);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query);
        }
        Ok(Self::Http(url))
    }
}

impl Address {
    /// Where a gateway can be asked that listens at `listen`: an unspecified address stands
    /// for every address of its machine, and this one is one of them.
    pub fn of_listener(listen: SocketAddr) -> Option<Self> {
        let host = match listen.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let address = SocketAddr::new(host, listen.port());
        let url = Url::parse(&format!("http://{address}")).ok();
        url.filter(|_| listen.port() != 0).map(Self::Http)
    }

    /// It leads to this machine, whatever names are resolved to.
    pub fn is_local(&self) -> bool {
        let Self::Http(url) = self else {
            return true;
        };
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => f.write_str(url.as_str().trim_end_matches('/')),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, shown) in [
            ("http://127.0.0.1:9901", "http://127.0.0.1:9901"),
            ("http://127.0.0.1:9901/", "http://127.0.0.1:9901"),
            ("127.0.0.1:9901", "http://127.0.0.1:9901"),
            ("localhost:9901", "http://localhost:9901"),
            ("[::1]:9901", "http://[::1]:9901"),
            (
                "https://ops.example.com/edge/",
                "https://ops.example.com/edge",
            ),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:state/a.sock", "unix:state/a.sock"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "9901",
            "localhost",
            "unix:",
            "ftp://a:1",
            "file:///a",
            "::1",
            "http://",
        ] {
            assert_eq!(parse(text), Err(AddressError::Form), "{text}");
        }
        assert_eq!(parse("http://u:p@localhost:1"), Err(AddressError::User));
        assert_eq!(parse("http://localhost:1/?a=b"), Err(AddressError::Query));
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_this_machine() {
        let of = |text: &str| Address::of_listener(text.parse().unwrap());
        for (listen, shown) in [
            ("127.0.0.1:9901", "http://127.0.0.1:9901"),
            ("0.0.0.0:80", "http://127.0.0.1"),
            ("[::]:9901", "http://[::1]:9901"),
            ("192.0.2.7:9901", "http://192.0.2.7:9901"),
        ] {
            assert_eq!(of(listen).unwrap().to_string(), shown);
        }
        assert_eq!(of("127.0.0.1:0"), None);
    }

    #[test]
    fn only_this_machine_is_local() {
        for text in ["127.9.9.9:1", "localhost:1", "[::1]:1", "unix:a"] {
            assert!(parse(text).unwrap().is_local(), "{text}");
        }
        for text in ["192.0.2.7:1", "localhost.example.com:1", "[2001:db8::1]:1"] {
            assert!(!parse(text).unwrap().is_local(), "{text}");
        }
    }
}
