//! Static files: tower-http reads them (ranges, conditions, types); here is decided what
//! may be read.

use std::convert::Infallible;
use std::path::PathBuf;

use http::header::LOCATION;
use http::{HeaderValue, Method, Request, Response, Uri};
use tower::Service as _;
use tower_http::services::ServeDir;

use super::body::Body;
use crate::core::Fault;

#[derive(Clone)]
pub(crate) struct Directory {
    root: PathBuf,
    index: String,
    files: ServeDir,
}

impl Directory {
    pub fn new(root: PathBuf, index: String) -> Self {
        let files = ServeDir::new(&root).append_index_html_on_directories(true);
        Self { root, index, files }
    }

    /// Serves `path`, which is normalised and starts with `/`; `request` has the path that
    /// the client asked for.
    ///
    /// # Errors
    /// There is no such file, it lies outside, or the method is neither GET nor HEAD.
    pub async fn serve<B>(&self, path: &str, request: Request<B>) -> Result<Response<Body>, Fault> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Fault::MethodNotAllowed {
                allow: "GET, HEAD".into(),
            });
        }
        let path = if path.ends_with('/') {
            format!("{path}{}", self.index)
        } else {
            path.into()
        };
        if self.leads_outside(&path).await {
            return Err(Fault::NoRoute);
        }
        let (mut parts, _) = request.into_parts();
        let path = Uri::try_from(path).map_err(|_| Fault::NoRoute)?;
        let asked = std::mem::replace(&mut parts.uri, path);
        let response = self
            .files
            .clone()
            .call(Request::from_parts(parts, ()))
            .await;
        let mut response = response.unwrap_or_else(|never: Infallible| match never {});
        if let Some(location) = response.headers_mut().get_mut(LOCATION) {
            *location = with_slash(&asked)?;
        }
        match response.status().as_u16() {
            404 => Err(Fault::NoRoute),
            500.. => Err(Fault::Internal),
            _ => Ok(response.map(|body| Body::File(Box::new(body)))),
        }
    }

    /// A link below the directory may point anywhere; what it points to must lie inside.
    async fn leads_outside(&self, path: &str) -> bool {
        let Ok(decoded) = percent_decode(path.trim_start_matches('/')) else {
            return true;
        };
        let file = self.root.join(decoded);
        let (root, file) = tokio::join!(
            tokio::fs::canonicalize(&self.root),
            tokio::fs::canonicalize(&file)
        );
        match (root, file) {
            (Ok(root), Ok(file)) => !file.starts_with(root),
            // What does not exist is answered as such.
            _ => false,
        }
    }
}

/// Where a directory is found whose slash was left out: below the prefix of its route,
/// which tower-http has not seen.
fn with_slash(asked: &Uri) -> Result<HeaderValue, Fault> {
    if asked.path().ends_with('/') {
        // The index itself is a directory.
        return Err(Fault::NoRoute);
    }
    // Two slashes in front would lead to another host (RFC 3986 §4.2).
    let path = asked.path().trim_start_matches('/');
    let target = match asked.query() {
        Some(query) => format!("/{path}/?{query}"),
        None => format!("/{path}/"),
    };
    HeaderValue::try_from(target).map_err(|_| Fault::Internal)
}

fn percent_decode(path: &str) -> Result<String, ()> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            bytes
                .next()
                .and_then(|digit| (digit as char).to_digit(16))
                .ok_or(())
        };
        decoded.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(decoded).map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_found_where_it_was_asked_for() {
        for (asked, found) in [
            ("/static/sub", "/static/sub/"),
            ("/static/sub?a=b", "/static/sub/?a=b"),
            ("//else.where/sub", "/else.where/sub/"),
        ] {
            let asked = Uri::try_from(asked).unwrap();
            assert_eq!(with_slash(&asked).unwrap(), found);
        }
        assert!(with_slash(&Uri::from_static("/static/sub/")).is_err());
    }
}
