//! Names of components, versions, routes, files and variables.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::read::{Refusal, Text};
use crate::core::{ComponentName, Digest, VersionName};

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
            let help = "download the file and write its path";
            return Err(Refusal::saying(format!("{scheme}:// is not supported yet")).help(help));
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
