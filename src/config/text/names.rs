//! Names of components, versions, routes, files and variables.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::read::{Refusal, Text};
use crate::core::{ComponentName, Digest, StoreName, VersionName};

impl Text for ComponentName {
    const NOUN: &'static str = "a component name";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }
}

impl Text for VersionName {
    const NOUN: &'static str = "a version name";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }
}

impl Text for StoreName {
    const NOUN: &'static str = "the name of a store";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,63}$" })
    }
}

impl Text for Digest {
    const NOUN: &'static str = "a digest";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^sha256:[0-9a-fA-F]{64}$" })
    }
}

impl Text for String {
    const NOUN: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(text.into())
    }
}

/// What a route is called in listings and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct RouteName(pub String);

impl Text for RouteName {
    const NOUN: &'static str = "a route name";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim().is_empty() || text.len() > 128 || text.contains(char::is_control) {
            return Err(Refusal::expecting(
                "expected 1 to 128 bytes without control characters",
            ));
        }
        Ok(Self(text.into()))
    }
}

/// A path in the file system, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct FilePath(pub PathBuf);

impl Text for FilePath {
    const NOUN: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let expected = "expected a path, relative to this file or absolute";
        if text.is_empty() {
            return Err(Refusal::expecting(expected));
        }
        if text.contains(char::is_control) {
            // What was written may be what should be in the file.
            let message = "a path has no control characters";
            return Err(Refusal::saying(message).help(expected).secret());
        }
        if let Some((scheme, _)) = text.split_once("://") {
            let message = format!("{scheme}:// leads to no file of this machine");
            return Err(Refusal::saying(message).help("download it and write its path"));
        }
        Ok(Self(text.into()))
    }
}

/// The name of a file without its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct FileName(pub String);

impl Text for FileName {
    const NOUN: &'static str = "a file name";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if matches!(text, "" | "." | "..") || text.contains(['/', '\\', '\0']) {
            return Err(Refusal::expecting(
                "expected a name without a directory, such as \"index.html\"",
            ));
        }
        Ok(Self(text.into()))
    }
}

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct VariableName(pub String);

impl Text for VariableName {
    const NOUN: &'static str = "the name of an environment variable";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if text.is_empty() || !text.chars().all(allowed) {
            // What was written may be the secret itself.
            let message = "this is not the name of an environment variable";
            let help = "expected one such as \"AIRGATE_ADMIN_TOKEN\"";
            return Err(Refusal::saying(message).help(help).secret());
        }
        Ok(Self(text.into()))
    }
}

/// Who a token was given to, for the journal and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct TokenName(pub String);

/// Who else acts on components: the token of [admin], this file, and the gateway by itself.
const ACTORS: [&str; 3] = ["admin", "configuration", "analysis"];

impl Text for TokenName {
    const NOUN: &'static str = "the name of a token";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        if text.is_empty() || text.len() > 63 || !text.chars().all(allowed) {
            let help = "expected 1 to 63 letters, digits, `-`, `_`, `.` and `@`, such as \"ci\"";
            return Err(Refusal::expecting(help));
        }
        if ACTORS.iter().any(|actor| text.eq_ignore_ascii_case(actor)) {
            let message = format!("{text:?} is the gateway's own name for somebody else");
            return Err(Refusal::saying(message).help("choose another name"));
        }
        Ok(Self(text.into()))
    }
}

/// The name of a cookie: a token (RFC 6265 §4.1.1), and case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct CookieName(pub String);

impl Text for CookieName {
    const NOUN: &'static str = "the name of a cookie";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match !text.is_empty() && text.bytes().all(allowed) {
            true => Ok(Self(text.into())),
            false => Err(Refusal::expecting(
                "expected a name without spaces, `=` and `;`, such as \"session\"",
            )),
        }
    }
}

/// The name of a field of a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct FieldName(pub String);

impl Text for FieldName {
    const NOUN: &'static str = "the name of a field";

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.is_empty() || text.len() > 255 || text.contains(char::is_control) {
            true => Err(Refusal::expecting(
                "expected 1 to 255 bytes without control characters, such as \"user\"",
            )),
            false => Ok(Self(text.into())),
        }
    }
}
