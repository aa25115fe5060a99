//! Who may ask: the bearer of the token (RFC 6750 §2.1).

use std::io::{self, Write as _};
use std::path::Path;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::problem;
use super::router::Shared;
use crate::config::Token;
use crate::security::{TokenCheck, random_token};

/// In the state directory, readable by its owner.
const TOKEN_FILE: &str = "admin.token";

/// The token that the admin API accepts.
pub struct AdminToken(TokenCheck);

impl AdminToken {
    /// The configured token, or a random one that is kept in the state directory, where
    /// the command line finds it.
    ///
    /// # Errors
    /// The kept token can neither be read nor written.
    pub fn open(configured: Option<&Token>, state_dir: &Path) -> io::Result<Self> {
        let token = match configured {
            Some(token) => token.expose().to_owned(),
            None => kept_token(&state_dir.join(TOKEN_FILE))?,
        };
        Ok(Self(TokenCheck::new(&token)))
    }

    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = shown.and_then(|shown| {
            let (scheme, token) = shown.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
        token.is_some_and(|token| self.0.accepts(token))
    }
}

fn kept_token(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read_to_string(path) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let token = random_token()?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{token}")?;
    Ok(token)
}

/// Lets only the bearer of the token through.
pub(super) async fn require_token(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    if shared.token.is_shown(request.headers()) {
        return next.run(request).await;
    }
    let detail = "send `Authorization: Bearer TOKEN`; the token is the one of [admin] token, or in admin.token of the state directory";
    let mut response = problem(StatusCode::UNAUTHORIZED, detail).into_response();
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> bool {
        let token = AdminToken(TokenCheck::new("secret"));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        token.is_shown(&headers)
    }

    #[test]
    fn only_the_bearer_is_let_in() {
        assert!(shown("Bearer secret") && shown("bearer secret"));
        assert!(!shown("Basic secret") && !shown("Bearer wrong") && !shown("secret"));
    }

    #[test]
    fn a_random_token_is_kept_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TOKEN_FILE);
        let token = kept_token(&path).unwrap();
        assert_eq!(kept_token(&path).unwrap(), token);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
