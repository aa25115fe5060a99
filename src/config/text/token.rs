//! Where a bearer token comes from. A secret in the file itself is refused, and never repeated.

use serde_json::Value;
use toml::de::DeValue;

use crate::config::raw::RawTokenSource;
use crate::config::read::{At, Field, Node, Place, Problems, Shape};

use super::{FilePath, VariableName};

/// `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Debug, Clone)]
pub(in crate::config) enum TokenSource {
    Variable(At<VariableName>),
    File(At<FilePath>),
}

impl Shape for TokenSource {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        // Wherever the secret was put by mistake.
        let before = problems.count();
        let source = read(node, problems);
        problems.keep_secret(before);
        source
    }

    fn schema() -> Value {
        RawTokenSource::schema()
    }
}

fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<TokenSource> {
    if !matches!(node.value, DeValue::Table(_)) {
        problems
            .error(&node.place, "a token does not belong in this file")
            .help("write { env = \"AIRGATE_ADMIN_TOKEN\" } or { file = \"path\" }");
        return None;
    }
    only_one(RawTokenSource::read(node, problems)?, &node.place, problems)
}

fn only_one(
    raw: RawTokenSource,
    place: &Place,
    problems: &mut Problems<'_>,
) -> Option<TokenSource> {
    match (raw.env, raw.file) {
        (Field::Given(env), Field::Absent) => Some(TokenSource::Variable(env)),
        (Field::Absent, Field::Given(file)) => Some(TokenSource::File(file)),
        (Field::Absent, Field::Absent) => {
            problems.error(place, "`env` or `file` is missing");
            None
        }
        (Field::Given(_), Field::Given(_)) => {
            problems.error(place, "a token comes either from `env` or from `file`");
            None
        }
        (Field::Unreadable, _) | (_, Field::Unreadable) => None,
    }
}
