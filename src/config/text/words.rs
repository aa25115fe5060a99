//! Texts that are one of two words.

use serde_json::{Value, json};

use crate::config::model::LogFormat;
use crate::config::read::{Refusal, Text, did_you_mean};
use crate::core::{FileMode, GrantMode};

/// What the word means.
fn one_of<T>(known: [(&str, T); 2], noun: &str, text: &str) -> Result<T, Refusal> {
    let words = [known[0].0, known[1].0];
    if let Some((_, meaning)) = known.into_iter().find(|(word, _)| *word == text) {
        return Ok(meaning);
    }
    let [first, second] = words;
    let message = format!("unknown {noun} {text:?}{}", did_you_mean(text, words));
    Err(Refusal::saying(message).help(format!("expected {first:?} or {second:?}")))
}

impl Text for LogFormat {
    const NOUN: &'static str = "a log format";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let formats = [("json", Self::Json), ("text", Self::Text)];
        one_of(formats, "log format", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["json", "text"] })
    }
}

impl Text for FileMode {
    const NOUN: &'static str = "a mode";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let modes = [("read", Self::Read), ("read-write", Self::ReadWrite)];
        one_of(modes, "mode", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["read", "read-write"] })
    }
}

impl Text for GrantMode {
    const NOUN: &'static str = "a mode";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let modes = [("enforce", Self::Enforce), ("audit", Self::Audit)];
        one_of(modes, "mode", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["enforce", "audit"] })
    }
}
