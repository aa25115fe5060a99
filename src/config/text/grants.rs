//! What `[component.NAME.capabilities]` grants.

use serde_json::{Value, json};

use crate::config::read::{Refusal, Text};
use crate::core::{GrantError, HttpGrant, SocketGrant};

impl Text for HttpGrant {
    const NOUN: &'static str = "an HTTP grant";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = "expected one such as \"https://api.example.com\", \
            \"https://*.example.com:8443\" or \"http://192.0.2.7:*\"";
        text.parse().map_err(|error| refusal(text, &error, example))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^https?://" })
    }
}

impl Text for SocketGrant {
    const NOUN: &'static str = "a socket grant";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = "expected one such as \"tcp://db.example.com:5432\", \
            \"udp://192.0.2.53:53\" or \"tcp://[2001:db8::/32]:*\"";
        text.parse().map_err(|error| refusal(text, &error, example))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^(tcp|udp)://" })
    }
}

fn refusal(text: &str, error: &GrantError, example: &str) -> Refusal {
    match error {
        // Passwords stand there, and behind the host the secret part of a webhook's address.
        GrantError::User => Refusal::saying(error.to_string()).help(example).secret(),
        GrantError::Rest(_) => Refusal::saying("a grant ends after host and port")
            .help(format!("write {:?}", without_path(text)))
            .secret(),
        _ => Refusal::saying(error.to_string()).help(example),
    }
}

fn without_path(text: &str) -> &str {
    let host = text.find("://").map_or(0, |at| at + 3);
    let end = text[host..].find(['/', '?', '#']);
    end.map_or(text, |end| &text[..host + end])
}

/// Where a guest sees a directory: absolute and in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct GuestPath(pub String);

impl Text for GuestPath {
    const NOUN: &'static str = "a path of the guest's";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(char::is_control) {
            return Err(Refusal::expecting("without control characters"));
        }
        let Some(relative) = text.strip_prefix('/') else {
            let absolute = normal(text);
            return Err(Refusal::expecting(format!(
                "it starts with a slash: {absolute:?}"
            )));
        };
        match normal(relative) {
            normal if normal == text => Ok(Self(normal)),
            normal => Err(Refusal::saying(format!(
                "{text:?} is not in its normal form, write {normal:?}"
            ))),
        }
    }
}

fn normal(relative: &str) -> String {
    let mut parts = Vec::new();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A variable that the guest gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct GuestVariable(pub String);

impl Text for GuestVariable {
    const NOUN: &'static str = "the name of a variable";

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.is_empty() || text.contains(['=', '\0']) {
            true => Err(Refusal::expecting(
                "a name is not empty and has no = in it: write NAME = \"value\"",
            )),
            false => Ok(Self(text.into())),
        }
    }
}

/// What a guest asks `wasi:config` for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct ConfigKey(pub String);

impl Text for ConfigKey {
    const NOUN: &'static str = "a key";

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.is_empty() {
            true => Err(Refusal::expecting("a key is not empty")),
            false => Ok(Self(text.into())),
        }
    }
}
