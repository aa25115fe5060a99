//! The tokens that the admin API accepts: the one of its administrator, and named ones with
//! smaller roles. Only their hashes stay in memory.

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::Bearer;
use crate::config::Token;
use crate::core::Role;
use crate::security::{TokenSet, place_secret, random_token};

/// In the state directory, readable by its owner.
const TOKEN_FILE: &str = "admin.token";
/// Who bears the token that is always there.
const ADMIN: &str = "admin";

/// Why the tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("cannot use the admin token in the state directory: {0}")]
    Kept(#[from] io::Error),
    /// Nobody could say which of the two asks, and with which role.
    #[error("the admin tokens of `{first}` and `{second}` are the same")]
    Same { first: String, second: String },
}

/// The tokens that the admin API accepts.
pub struct AdminTokens(TokenSet<Bearer>);

impl AdminTokens {
    /// The configured token, or a random one that is kept in the state directory, where
    /// the command line finds it; and `named` ones, each with its role.
    ///
    /// # Errors
    /// The kept token can neither be read nor written, or two tokens are the same.
    pub fn open(
        configured: Option<&Token>,
        named: impl IntoIterator<Item = (String, Role, Token)>,
        state_dir: &Path,
    ) -> Result<Self, TokensError> {
        let token = match configured {
            Some(token) => token.clone(),
            None => Token::new(kept_token(&state_dir.join(TOKEN_FILE))?),
        };
        Self::new(token, named)
    }

    fn new(
        admin: Token,
        named: impl IntoIterator<Item = (String, Role, Token)>,
    ) -> Result<Self, TokensError> {
        let mut tokens = TokenSet::default();
        let admin = (ADMIN.to_owned(), Role::Admin, admin);
        for (name, role, token) in [admin].into_iter().chain(named) {
            let bearer = Bearer {
                name: Arc::from(name.as_str()),
                role,
            };
            let added = tokens.add(token.expose(), bearer);
            added.map_err(|other| TokensError::Same {
                first: other.name.to_string(),
                second: name,
            })?;
        }
        Ok(Self(tokens))
    }

    /// Whose token a request shows (RFC 6750 §2.1).
    pub(in crate::admin) fn bearer(&self, headers: &HeaderMap) -> Option<&Bearer> {
        let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = shown.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        is_bearer.then(|| self.0.bearer(token.trim())).flatten()
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

#[cfg(test)]
mod tests {
    use super::*;

    use axum::http::HeaderValue;

    fn token(text: &str) -> Token {
        Token::new(text.into())
    }

    fn tokens() -> AdminTokens {
        let named = [
            ("ci".to_owned(), Role::Deploy, token("secret-of-ci")),
            ("watch".to_owned(), Role::Read, token("secret-of-watch")),
        ];
        AdminTokens::new(token("secret"), named).unwrap()
    }

    /// Whom `tokens()` takes the sender of this header for.
    fn shown(value: &str) -> Option<(String, Role)> {
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
        let tokens = tokens();
        let bearer = tokens.bearer(&headers)?;
        Some((bearer.name.to_string(), bearer.role))
    }

    #[test]
    fn each_bearer_is_known_by_name_and_role() {
        let is = |name: &str, role| Some((name.to_owned(), role));
        assert_eq!(shown("Bearer secret"), is("admin", Role::Admin));
        assert_eq!(shown("bearer secret-of-ci"), is("ci", Role::Deploy));
        assert_eq!(shown("BEARER secret-of-watch"), is("watch", Role::Read));
    }

    #[test]
    fn others_are_nobody() {
        for wrong in [
            "Basic secret",
            "Bearer wrong",
            "secret",
            "Bearer",
            "Bearer ",
            "Bearer secret-of",
        ] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        assert!(tokens().bearer(&HeaderMap::new()).is_none());
    }

    #[test]
    fn one_token_for_two_bearers_is_refused() {
        let named = [("ci".to_owned(), Role::Read, token("secret"))];
        let refused = AdminTokens::new(token("secret"), named).err().unwrap();
        assert_eq!(
            refused.to_string(),
            "the admin tokens of `admin` and `ci` are the same"
        );
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
