//! Who may ask: the bearer of the token (RFC 6750 §2.1).

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::problem;
use super::router::Shared;
use crate::config::Token;
use crate::security::{TokenCheck, place_secret, random_token};

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

/// Of several processes that start at once one makes the token, and the others take it.
fn kept_token(path: &Path) -> io::Result<String> {
    let empty = match read_token(path) {
        Ok(token) if token.is_empty() => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        read => return read,
    };
    place_secret(path, format!("{}\n", random_token()?).as_bytes(), empty)?;
    read_token(path)
}

fn read_token(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    keep_private(&file, path)?;
    let mut token = String::new();
    file.read_to_string(&mut token)?;
    Ok(token.trim().to_owned())
}

/// Takes the token from those who could read it beside its owner.
fn keep_private(file: &File, path: &Path) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    match file.set_permissions(Permissions::from_mode(0o600)) {
        Ok(()) => tracing::warn!(%path, "others could use the admin token; now it is private"),
        Err(error) => tracing::warn!(%path, %error, "others can use the admin token"),
    }
    Ok(())
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

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_random_token_is_kept_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TOKEN_FILE);
        let token = kept_token(&path).unwrap();
        assert_eq!(kept_token(&path).unwrap(), token);
        assert_eq!((token.len(), mode(&path)), (64, 0o600));
    }

    #[test]
    fn an_empty_token_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TOKEN_FILE);
        std::fs::write(&path, "\n").unwrap();
        let token = kept_token(&path).unwrap();
        assert_eq!(kept_token(&path).unwrap(), token);
        assert_eq!((token.len(), mode(&path)), (64, 0o600));
    }

    #[test]
    fn a_token_that_others_can_read_becomes_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TOKEN_FILE);
        std::fs::write(&path, "mine\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kept_token(&path).unwrap(), "mine");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn who_opens_at_once_gets_the_same_token() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(TOKEN_FILE);
            let tokens = std::thread::scope(|scope| {
                let open = |_| scope.spawn(|| kept_token(&path).unwrap());
                let opened: Vec<_> = (0..4).map(open).collect();
                opened
                    .into_iter()
                    .map(|token| token.join().unwrap())
                    .collect::<Vec<_>>()
            });
            assert!(
                tokens
                    .iter()
                    .all(|token| *token == read_token(&path).unwrap())
            );
        }
    }
}
