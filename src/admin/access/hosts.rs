//! Keeps web pages away: a browser sends the requests of any page to any address that it can
//! reach, and a page whose name is made to lead here ("DNS rebinding") may even read the
//! answers. So a request must name this listener as its host, and must not come from a page
//! of another origin (RFC 6454). There is no CORS here: no other origin is ever let in.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::record::Call;
use crate::admin::answer::Problem;
use crate::admin::api::Shared;

/// What a browser says of where a request comes from (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names by which this listener may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// `None`: a unix socket, which no browser and no name leads to.
    bound: Option<IpAddr>,
    names: Vec<String>,
}

impl Hosts {
    /// Loopback, the address that the listener is bound to, and `names`, each with or without
    /// a port. Of a listener on all addresses each address is one of its names: an address
    /// cannot be made to lead elsewhere.
    pub fn new(bound: Option<SocketAddr>, names: Vec<String>) -> Self {
        let bound = bound.map(|address| address.ip().to_canonical());
        Self { bound, names }
    }

    fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let host = sent_host(headers)?;
        if let Some(bound) = self.bound {
            let host = host.as_ref();
            let host = host.ok_or_else(|| Problem::bad_request("send one Host header"))?;
            let named = [Some(host), uri.authority()];
            for host in named.into_iter().flatten() {
                if !self.is_one(host, bound) {
                    return Err(not_this(host));
                }
            }
        }
        check_origin(headers, host.as_ref())?;
        check_site(headers)
    }

    fn is_one(&self, host: &Authority, bound: IpAddr) -> bool {
        let name = host.host().trim_end_matches('.');
        let is_given = |given: &String| {
            given.eq_ignore_ascii_case(name) || given.eq_ignore_ascii_case(host.as_str())
        };
        let listens_at = match literal(name) {
            Some(address) if address.is_loopback() => true,
            Some(address) if address.is_unspecified() => false,
            Some(address) => bound.is_unspecified() || bound == address,
            None => name.eq_ignore_ascii_case("localhost"),
        };
        listens_at || self.names.iter().any(is_given)
    }
}

/// An address in the one spelling that each has: browsers rewrite all others.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let text = first.map(HeaderValue::to_str).transpose();
    match (text, second) {
        (Ok(text), None) => Ok(text),
        _ => Err(Problem::bad_request(format!("send one {name} header"))),
    }
}

fn sent_host(headers: &HeaderMap) -> Result<Option<Authority>, Problem> {
    let authority = |text: &str| {
        let parsed = text.parse::<Authority>().ok();
        let parsed = parsed.filter(|it| !it.as_str().contains('@'));
        parsed.ok_or_else(|| Problem::bad_request("the Host header is malformed"))
    };
    only(headers, &HOST)?.map(authority).transpose()
}

/// A page may ask only where it came from itself.
fn check_origin(headers: &HeaderMap, host: Option<&Authority>) -> Result<(), Problem> {
    let Some(origin) = only(headers, &ORIGIN)? else {
        return Ok(());
    };
    match host.is_some_and(|host| is_same_origin(origin, host)) {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "requests of web pages from elsewhere are refused",
        )),
    }
}

/// Whether scheme, name and port lead to `host`; behind a proxy the scheme may be https.
fn is_same_origin(origin: &str, host: &Authority) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(origin) = authority.parse::<Authority>() else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
    let same_name = origin.host().eq_ignore_ascii_case(host.host());
    same_name && port(&origin) == port(host) && !origin.as_str().contains('@')
}

fn check_site(headers: &HeaderMap) -> Result<(), Problem> {
    match only(headers, &SEC_FETCH_SITE)? {
        // `none`: typed by a person. Another port of the same host is `same-site`, and may
        // be anybody's.
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "requests that other web sites cause are refused",
        )),
    }
}

fn not_this(host: &Authority) -> Problem {
    let detail = format!(
        "`{host}` is no name of this listener; names beside localhost and its own address are given in [admin] hosts"
    );
    Problem::misdirected(detail)
}

/// Lets only those requests through that were meant for this listener; and answers are for
/// those who asked, and what they say they are.
pub(in crate::admin) async fn refuse_strangers(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match shared.hosts.check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let response = problem.into_response();
            Call::of(&request).record(&shared, &response);
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        let pair = |(name, value): &(&'static str, &str)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        pairs.map(pair).for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    /// The status of a refusal; 0: let through.
    fn status(bound: Option<&str>, pairs: &[(&'static str, &str)]) -> u16 {
        let bound = bound.map(|text| text.parse().unwrap());
        let names = vec!["admin.example.com".into(), "edge:8443".into()];
        let checked = Hosts::new(bound, names).check(&headers(pairs), &Uri::from_static("/"));
        checked.map_or_else(|problem| problem.status().as_u16(), |()| 0)
    }

    fn host(bound: &str, host: &str) -> u16 {
        status(Some(bound), &[("host", host)])
    }

    #[test]
    fn the_names_of_the_listener_are_let_in() {
        for name in [
            "localhost",
            "LOCALHOST:9901",
            "localhost.:9901",
            "127.0.0.1:9901",
            "127.0.0.2",
            "[::1]:9901",
            "[::ffff:127.0.0.1]",
            "10.0.0.7:9901",
            "Admin.Example.com:1",
            "edge:8443",
        ] {
            assert_eq!(host("10.0.0.7:9901", name), 0, "{name}");
        }
    }

    #[test]
    fn other_names_are_misdirected_whatever_they_lead_to() {
        for name in [
            "evil.test",
            "localhost.evil.test",
            "evil.localhost",
            "127.0.0.1.evil.test",
            "10.0.0.8",
            "0.0.0.0:9901",
            "[::]",
            "0x7f.1",
            "edge",
            "edge:8444",
        ] {
            assert_eq!(host("10.0.0.7:9901", name), 421, "{name}");
        }
    }

    #[test]
    fn a_listener_on_all_addresses_has_all_addresses_as_names() {
        for bound in ["0.0.0.0:9901", "[::]:9901"] {
            assert_eq!(host(bound, "10.0.0.7:9901"), 0);
            assert_eq!(host(bound, "[2001:db8::1]"), 0);
            assert_eq!(host(bound, "evil.test"), 421);
            assert_eq!(host(bound, "0.0.0.0"), 421);
        }
    }

    #[test]
    fn one_host_must_be_named() {
        let bound = Some("127.0.0.1:1");
        assert_eq!(status(bound, &[]), 400);
        for twice in ["localhost", "evil.test"] {
            let pairs = [("host", "localhost"), ("host", twice)];
            assert_eq!(status(bound, &pairs), 400, "{twice}");
        }
        for bad in ["", "user@localhost", "local host", "[::1", "localhost:x/"] {
            assert_eq!(host("127.0.0.1:1", bad), 400, "{bad}");
        }
    }

    #[test]
    fn the_target_must_not_name_another_host() {
        let hosts = Hosts::new(Some("127.0.0.1:1".parse().unwrap()), Vec::new());
        let sent = headers(&[("host", "localhost")]);
        let check = |uri| hosts.check(&sent, &Uri::from_static(uri));
        assert!(check("http://localhost/livez").is_ok());
        assert!(check("http://evil.test/livez").is_err());
    }

    #[test]
    fn a_unix_socket_has_any_name() {
        assert_eq!(status(None, &[]), 0);
        assert_eq!(status(None, &[("host", "anything")]), 0);
        let page = [("host", "anything"), ("origin", "http://evil.test")];
        assert_eq!(status(None, &page), 403);
    }

    fn origin(host: &str, origin: &str) -> u16 {
        status(
            Some("127.0.0.1:9901"),
            &[("host", host), ("origin", origin)],
        )
    }

    #[test]
    fn a_page_may_ask_where_it_came_from() {
        assert_eq!(origin("localhost:9901", "http://localhost:9901"), 0);
        assert_eq!(origin("LOCALHOST:9901", "http://localhost:9901"), 0);
        assert_eq!(origin("[::1]:80", "http://[::1]"), 0);
        assert_eq!(origin("admin.example.com", "https://admin.example.com"), 0);
    }

    #[test]
    fn a_page_may_ask_nowhere_else() {
        for page in [
            "null",
            "",
            "http://localhost",
            "http://localhost:9902",
            "https://localhost",
            "http://127.0.0.1:9901",
            "http://evil.test:9901",
            "http://localhost:9901@evil.test",
            "http://evil@localhost:9901",
            "http://localhost:9901/",
            "file://localhost:9901",
            "localhost:9901",
        ] {
            assert_eq!(origin("localhost:9901", page), 403, "{page}");
        }
    }

    #[test]
    fn what_another_site_causes_is_refused() {
        let site = |site| {
            let pairs = [("host", "localhost"), ("sec-fetch-site", site)];
            status(Some("127.0.0.1:1"), &pairs)
        };
        assert_eq!((site("same-origin"), site("none")), (0, 0));
        for other in ["cross-site", "same-site", "new-word"] {
            assert_eq!(site(other), 403, "{other}");
        }
    }
}
