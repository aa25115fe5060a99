//! Whom a request is for.

use http::Uri;
use wasmtime_wasi_http::Error;

use crate::core::{ComponentName, HttpScheme};

/// The zone of in-process calls: `http://NAME.internal/`.
const ZONE: &str = ".internal";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A component, by the name in its address.
    Component(&'a str),
    Server {
        scheme: HttpScheme,
        host: &'a str,
        port: u16,
    },
}

impl<'a> Target<'a> {
    /// `granted` are the components that may be called: only their names may have dots,
    /// since `db.prod.internal` may be a host of the operator's.
    ///
    /// # Errors
    /// It has no scheme or host that can be reached, or it names a user.
    pub fn of(uri: &'a Uri, granted: &[ComponentName]) -> Result<Self, Error> {
        let scheme = match uri.scheme_str() {
            Some("http") => HttpScheme::Http,
            Some("https") => HttpScheme::Https,
            _ => return Err(Error::HttpProtocolError),
        };
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        // What stands before the `@` is often mistaken for the host (RFC 3986 §7.6).
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Error::HttpRequestUriInvalid);
        }
        let host = authority.host();
        let port = match authority.port() {
            Some(port) => port
                .as_str()
                .parse()
                .map_err(|_| Error::HttpRequestUriInvalid)?,
            None => scheme.default_port(),
        };
        let is_call = scheme == HttpScheme::Http && port == scheme.default_port();
        match component(host, granted) {
            Some(name) if is_call => Ok(Self::Component(name)),
            _ => Ok(Self::Server { scheme, host, port }),
        }
    }
}

/// `NAME` of `NAME.internal`.
fn component<'a>(host: &'a str, granted: &[ComponentName]) -> Option<&'a str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (name, zone) = host.split_at_checked(host.len().checked_sub(ZONE.len())?)?;
    let known = |name: &str| {
        granted
            .iter()
            .any(|one| one.as_str().eq_ignore_ascii_case(name))
    };
    let is_name = !name.is_empty() && (!name.contains('.') || known(name));
    (zone.eq_ignore_ascii_case(ZONE) && is_name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<String, Error> {
        let uri: Uri = uri.parse().unwrap();
        let granted = ["v1.cart".parse().unwrap()];
        Target::of(&uri, &granted).map(|target| format!("{target:?}"))
    }

    #[test]
    fn components_are_told_from_servers() {
        for call in [
            "http://cart.internal/x",
            "http://CART.Internal.",
            "http://cart.internal:80/",
            "http://v1.cart.internal/",
        ] {
            assert!(target(call).unwrap().starts_with("Component"), "{call}");
        }
        for server in [
            "http://example.com/",
            "http://internal/",
            "http://.internal.example.com/",
            "http://db.prod.internal/",
            "https://cart.internal/",
            "http://cart.internal:8080/",
        ] {
            assert!(target(server).unwrap().starts_with("Server"), "{server}");
        }
    }

    #[test]
    fn users_and_other_schemes_are_refused() {
        assert!(target("http://user@example.com/").is_err());
        assert!(target("http://cart.internal@127.0.0.1/").is_err());
        assert!(target("ftp://example.com/").is_err());
        assert!(target("/path").is_err());
    }
}
