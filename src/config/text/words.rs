//! Texts that are one of a few words.

use serde_json::{Value, json};

use crate::config::model::LogFormat;
use crate::config::read::{Refusal, Text, did_you_mean};
use crate::core::{
    FileMode, GrantMode, KvAccess, OnInconclusive, Overflow, Role, StoreBackend, Strategy,
    SupervisionStrategy,
};

/// What the word means.
fn one_of<T, const COUNT: usize>(
    known: [(&str, T); COUNT],
    noun: &str,
    text: &str,
) -> Result<T, Refusal> {
    let words = known.each_ref().map(|(word, _)| *word);
    if let Some((_, meaning)) = known.into_iter().find(|(word, _)| *word == text) {
        return Ok(meaning);
    }
    let message = format!("unknown {noun} {text:?}{}", did_you_mean(text, words));
    let quoted = words.map(|word| format!("{word:?}"));
    let help = match &quoted[..] {
        [] => return Err(Refusal::saying(message)),
        [only] => format!("expected {only}"),
        [first @ .., last] => format!("expected {} or {last}", first.join(", ")),
    };
    Err(Refusal::saying(message).help(help))
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

impl Text for Role {
    const NOUN: &'static str = "a role";

    fn parse(text: &str) -> Result<Self, Refusal> {
        one_of(Self::ALL.map(|role| (role.as_str(), role)), "role", text)
    }

    fn schema() -> Value {
        json!({ "enum": Self::ALL.map(Self::as_str) })
    }
}

const STRATEGIES: [(&str, Strategy); 4] = [
    ("canary", Strategy::Canary),
    ("blue-green", Strategy::BlueGreen),
    ("rolling", Strategy::Rolling),
    ("immediate", Strategy::Immediate),
];

impl Text for Strategy {
    const NOUN: &'static str = "a strategy";

    fn parse(text: &str) -> Result<Self, Refusal> {
        one_of(STRATEGIES, "strategy", text)
    }

    fn schema() -> Value {
        json!({ "enum": STRATEGIES.map(|(word, _)| word) })
    }
}

impl Text for OnInconclusive {
    const NOUN: &'static str = "an answer to numbers that say nothing";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let answers = [("hold", Self::Hold), ("rollback", Self::Rollback)];
        one_of(answers, "answer", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["hold", "rollback"] })
    }
}

impl Text for KvAccess {
    const NOUN: &'static str = "what may be done with a store";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let words = [("read", Self::Read), ("read-write", Self::ReadWrite)];
        one_of(words, "access", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["read", "read-write"] })
    }
}

impl Text for Overflow {
    const NOUN: &'static str = "an answer to a full queue";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let words = [("reject", Self::Reject), ("drop-oldest", Self::DropOldest)];
        one_of(words, "answer", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["reject", "drop-oldest"] })
    }
}

const SUPERVISION: [(&str, SupervisionStrategy); 3] = [
    ("restart", SupervisionStrategy::Restart),
    ("stop", SupervisionStrategy::Stop),
    ("escalate", SupervisionStrategy::Escalate),
];

impl Text for SupervisionStrategy {
    const NOUN: &'static str = "a strategy";

    fn parse(text: &str) -> Result<Self, Refusal> {
        one_of(SUPERVISION, "strategy", text)
    }

    fn schema() -> Value {
        json!({ "enum": SUPERVISION.map(|(word, _)| word) })
    }
}

/// What nodes of a cluster share; here it would be kept by one of them alone.
fn not_built(text: &str, there: &str) -> Refusal {
    let message = format!("the backend {text:?} is not built yet");
    Refusal::saying(message).help(format!("expected {there}"))
}

impl Text for StoreBackend {
    const NOUN: &'static str = "a backend";

    fn parse(text: &str) -> Result<Self, Refusal> {
        if matches!(text, "redis" | "nats") {
            return Err(not_built(text, "\"embedded\" or \"memory\""));
        }
        let backends = [Self::Embedded, Self::Memory];
        one_of(backends.map(|it| (it.as_str(), it)), "backend", text)
    }

    fn schema() -> Value {
        json!({ "enum": ["embedded", "memory"] })
    }
}

/// What stands behind the bus; there is one thing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum BusBackend {
    Local,
}

impl Text for BusBackend {
    const NOUN: &'static str = "a backend";

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "nats" => Err(not_built(text, "\"local\"")),
            _ => one_of([("local", Self::Local)], "backend", text),
        }
    }

    fn schema() -> Value {
        json!({ "enum": ["local"] })
    }
}
