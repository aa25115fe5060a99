//! `airgate kv get`, `set`, `delete` and `increment`: one value.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::place::{Space, key};
use super::saved::Saved;
use crate::cli::admin::{Call, Raw};
use crate::cli::input::Input;
use crate::cli::{exit, print};
use crate::core::{Key, format_duration, parse_duration};

const EXPIRES: HeaderName = HeaderName::from_static("x-airgate-expires");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

#[derive(Args)]
pub(super) struct Get {
    #[command(flatten)]
    space: Space,
    /// The key
    #[arg(value_parser = key)]
    key: Key,
    /// Write it to a file. Default: stdout
    #[arg(long, short, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Set {
    #[command(flatten)]
    space: Space,
    /// The key
    #[arg(value_parser = key)]
    key: Key,
    /// What it is: text, the content of a file, or - for stdin
    #[arg(value_name = "VALUE|@FILE|-", allow_negative_numbers = true)]
    value: Input,
    /// How long it stays, such as 5m. Default: until it is deleted
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Only if the key has no value
    #[arg(long)]
    if_absent: bool,
}

#[derive(Args)]
pub(super) struct Delete {
    #[command(flatten)]
    space: Space,
    /// The key
    #[arg(value_parser = key)]
    key: Key,
}

#[derive(Args)]
pub(super) struct Increment {
    #[command(flatten)]
    space: Space,
    /// The key
    #[arg(value_parser = key)]
    key: Key,
    /// What is added
    #[arg(allow_negative_numbers = true, default_value_t = 1)]
    delta: i64,
}

impl Get {
    pub fn run(self) -> u8 {
        self.space.api.run(async |client| {
            let call = Call::get(self.space.path_of(&self.key));
            let found = client.fetch(call).await?;
            match &self.output {
                _ if self.space.api.json => {
                    print::json(&document(&self.key, &found).to_string());
                }
                None => print::bytes(&found.body),
                Some(path) => {
                    let mut saved = Saved::beside(path)?;
                    saved.write(&found.body)?;
                    saved.keep()?;
                }
            }
            Ok(exit::DONE)
        })
    }
}

/// A value in words: as text where it is text.
fn document(key: &Key, found: &Raw) -> Value {
    let mut document = json!({ "key": key.as_str() });
    match std::str::from_utf8(&found.body) {
        Ok(text) => document["value"] = text.into(),
        Err(_) => document["value_base64"] = BASE64_STANDARD.encode(&found.body).into(),
    }
    for (name, header) in [("revision", ETAG), ("expires", EXPIRES)] {
        if let Some(text) = text(&found.headers, &header) {
            document[name] = text.trim_matches('"').into();
        }
    }
    document
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Set {
    pub fn run(self) -> u8 {
        let Self {
            space,
            key,
            value,
            ttl,
            if_absent,
        } = self;
        space.api.run(async |client| {
            let mut call = Call::put(space.path_of(&key))
                .query("ttl", ttl.map(format_duration))
                .body(value.read()?.into(), BYTES);
            if if_absent {
                call = call.header(IF_NONE_MATCH, HeaderValue::from_static("*"));
            }
            client.fetch(call).await?;
            space.api.done(&json!({ "set": key.as_str() }), "it is set")
        })
    }
}

impl Delete {
    pub fn run(self) -> u8 {
        self.space.api.run(async |client| {
            let call = Call::delete(self.space.path_of(&self.key));
            client.fetch(call).await?;
            let document = json!({ "deleted": self.key.as_str() });
            self.space.api.done(&document, "it is deleted")
        })
    }
}

impl Increment {
    pub fn run(self) -> u8 {
        #[derive(Deserialize)]
        struct Sum {
            value: i64,
        }
        self.space.api.run(async |client| {
            let path = self.space.path_of(&self.key) + "/increment";
            let call = Call::post(path).json(&json!({ "delta": self.delta }));
            let answer = client.send(call).await?;
            self.space.api.show(&answer, || {
                let sum: Sum = client.read_as(&answer)?;
                Ok(format!("{}\n", sum.value))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_as_text_where_it_is_text() {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("\"7\""));
        let key = "user/1".parse().unwrap();
        let of = |body: &[u8]| Raw {
            headers: headers.clone(),
            body: body.to_vec(),
        };
        let text = json!({ "key": "user/1", "value": "a", "revision": "7" });
        assert_eq!(document(&key, &of(b"a")), text);
        let binary = json!({ "key": "user/1", "value_base64": "/w==", "revision": "7" });
        assert_eq!(document(&key, &of(&[0xff])), binary);
    }
}
