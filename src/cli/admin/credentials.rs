//! The bearer token, and where it was found.

use std::fmt;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::failure::Failure;
use super::file::{AdminSettings, TokenSource};
use super::read::read_bounded;
use crate::config::Token;
use crate::core::ByteSize;

const VARIABLE: &str = "AIRGATE_ADMIN_TOKEN";
/// In the state directory, where the gateway keeps the token that it made.
const KEPT: &str = "admin.token";
const LARGEST: ByteSize = ByteSize(64 << 10);

/// What is shown to the admin API.
#[derive(Debug)]
pub(super) struct Credentials {
    pub token: Option<Token>,
    origin: Origin,
    /// Nothing was named for this call: the file had to be believed.
    pub is_of_file: bool,
}

/// Where the token is from, for who is refused with it.
#[derive(Debug)]
enum Origin {
    Variable(String),
    File(PathBuf),
    /// The token of this machine is not for another one.
    NotSent(Address),
    Nowhere(PathBuf),
}

/// Where to look.
pub(super) struct Search<'a> {
    pub flag: Option<&'a Path>,
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub settings: &'a AdminSettings,
    pub address: &'a Address,
    /// The address is the file's own.
    pub is_of_file: bool,
}

impl Credentials {
    /// What was named for this call counts first, then what the file says, then what the
    /// gateway made for itself.
    ///
    /// # Errors
    /// A token that was named cannot be read or cannot be sent.
    pub fn find(search: &Search<'_>) -> Result<Self, Failure> {
        if let Some(path) = search.flag {
            return Self::in_file(path);
        }
        if let Some(token) = search.variable_of(VARIABLE) {
            return Self::new(token, Origin::Variable(VARIABLE.to_owned()));
        }
        if !search.is_of_file && !search.address.is_local() {
            return Ok(Self::none(Origin::NotSent(search.address.clone())));
        }
        Ok(Self {
            is_of_file: true,
            ..Self::of_settings(search)?
        })
    }

    fn of_settings(search: &Search<'_>) -> Result<Self, Failure> {
        match &search.settings.token {
            Some(TokenSource::Variable(name)) => {
                if let Some(token) = search.variable_of(name) {
                    return Self::new(token, Origin::Variable(name.clone()));
                }
            }
            Some(TokenSource::File(path)) => return Self::in_file(path),
            None => {}
        }
        // As for the gateway: a variable that is not set is no token.
        let path = search.settings.state_dir.join(KEPT);
        match read(&path) {
            Ok(token) => Self::new(token, Origin::File(path)),
            Err(_) => Ok(Self::none(Origin::Nowhere(path))),
        }
    }

    fn in_file(path: &Path) -> Result<Self, Failure> {
        let token = read(path).map_err(|error| {
            Failure::Local(format!(
                "cannot read the token in {}: {error}",
                path.display()
            ))
        })?;
        Self::new(token, Origin::File(path.to_owned()))
    }

    /// A token travels in a header field (RFC 6750 §2.1).
    fn new(token: String, origin: Origin) -> Result<Self, Failure> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("{origin} holds nothing that can be sent as a token");
            return Err(Failure::Local(message));
        }
        Ok(Self {
            token: Some(Token::new(token)),
            origin,
            is_of_file: false,
        })
    }

    fn none(origin: Origin) -> Self {
        Self {
            token: None,
            origin,
            is_of_file: false,
        }
    }

    /// What to do about a refusal.
    pub fn advice(&self) -> String {
        let other = format!("set {VARIABLE}, or name a file with --token-file FILE");
        match &self.origin {
            Origin::Nowhere(path) => {
                format!(
                    "no token was found, also not in {}; {other}",
                    path.display()
                )
            }
            Origin::NotSent(address) => {
                format!(
                    "the token of this machine's state directory is not sent to {address}; {other}"
                )
            }
            origin => format!("the token of {origin} is not accepted; {other}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) | Self::Nowhere(path) => write!(f, "{}", path.display()),
            Self::NotSent(address) => write!(f, "{address}"),
        }
    }
}

impl Search<'_> {
    /// An empty variable is none.
    fn variable_of(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty())
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let bytes = read_bounded(path, LARGEST)?;
    let text = String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not text"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
impl Credentials {
    pub fn for_test() -> Self {
        Self::new("secret".into(), Origin::Variable(VARIABLE.into())).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        dir: tempfile::TempDir,
        toml: &'static str,
        variables: &'static [(&'static str, &'static str)],
        address: &'static str,
        flag: bool,
    }

    fn place(toml: &'static str) -> Place {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".airgate")).unwrap();
        for (file, token) in [
            ("flag", "flag"),
            ("named", "named"),
            (".airgate/admin.token", "kept"),
        ] {
            std::fs::write(dir.path().join(file), format!("{token}\n")).unwrap();
        }
        Place {
            dir,
            toml,
            variables: &[],
            address: "127.0.0.1:9901",
            flag: false,
        }
    }

    impl Place {
        fn find(&self) -> Result<Credentials, Failure> {
            let path = self.dir.path().join("routes.toml");
            std::fs::write(&path, self.toml).unwrap();
            let flag = self.dir.path().join("flag");
            let variable = |name: &str| {
                let found = self.variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Credentials::find(&Search {
                flag: self.flag.then_some(&flag),
                variable: &variable,
                settings: &AdminSettings::read(&path),
                address: &self.address.parse().unwrap(),
                is_of_file: false,
            })
        }

        fn token(&self) -> Option<String> {
            let token = self.find().unwrap().token;
            token.map(|token| token.expose().to_owned())
        }
    }

    #[test]
    fn what_is_nearest_to_the_call_counts_first() {
        let mut place = place("admin.token = { file = \"named\" }");
        place.variables = &[("AIRGATE_ADMIN_TOKEN", "variable"), ("OPS", "ops")];
        place.flag = true;
        assert_eq!(place.token().unwrap(), "flag");
        place.flag = false;
        assert_eq!(place.token().unwrap(), "variable");
        place.variables = &[("AIRGATE_ADMIN_TOKEN", ""), ("OPS", "ops")];
        assert_eq!(place.token().unwrap(), "named");
        place.toml = "admin.token = { env = \"OPS\" }";
        assert_eq!(place.token().unwrap(), "ops");
        place.variables = &[];
        assert_eq!(place.token().unwrap(), "kept");
    }

    #[test]
    fn a_broken_file_still_leads_to_the_token_that_is_kept() {
        assert_eq!(place("]]]").token().unwrap(), "kept");
    }

    #[test]
    fn another_machine_is_sent_only_what_was_named_for_it() {
        let mut place = place("");
        place.address = "192.0.2.7:9901";
        assert_eq!(place.token(), None);
        assert!(
            place
                .find()
                .unwrap()
                .advice()
                .contains("is not sent to http://192.0.2.7")
        );
        place.flag = true;
        assert_eq!(place.token().unwrap(), "flag");
    }

    #[test]
    fn no_token_is_advice_and_no_error() {
        let place = place("");
        std::fs::remove_dir_all(place.dir.path().join(".airgate")).unwrap();
        let found = place.find().unwrap();
        assert!(found.token.is_none());
        assert!(
            found.advice().contains(".airgate/admin.token"),
            "{}",
            found.advice()
        );
    }

    #[test]
    fn a_token_that_cannot_travel_is_refused() {
        let mut place = place("");
        place.variables = &[("AIRGATE_ADMIN_TOKEN", "two\nlines")];
        assert!(matches!(place.find(), Err(Failure::Local(_))));
        place.variables = &[];
        place.toml = "admin.token = { file = \"missing\" }";
        assert!(matches!(place.find(), Err(Failure::Local(_))));
    }
}
