//! Values that may be secret, and where they come from. No message and no excerpt repeats them.

use serde_json::{Value, json};
use toml::de::DeValue;

use crate::config::raw::{RawElsewhere, RawNamedToken};
use crate::config::read::{At, Entries, Entry, Field, List, Node, Place, Problems, Shape, Text};
use crate::core::Secret;

use super::{FilePath, VariableName};

/// `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Debug, Clone)]
pub(in crate::config) enum Elsewhere {
    Variable(At<VariableName>),
    File(At<FilePath>),
}

impl Shape for Elsewhere {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let before = problems.count();
        let raw = RawElsewhere::read(node, problems);
        let source = raw.and_then(|raw| only_one(raw, &node.place, problems));
        if problems.count() > before {
            // The secret may have been put in by mistake, wherever that is.
            problems.hide_values(node);
        }
        source
    }

    fn schema() -> Value {
        RawElsewhere::schema()
    }
}

fn only_one(raw: RawElsewhere, place: &Place, problems: &mut Problems<'_>) -> Option<Elsewhere> {
    match (raw.env, raw.file) {
        (Field::Given(env), Field::Absent) => Some(Elsewhere::Variable(env)),
        (Field::Absent, Field::Given(file)) => Some(Elsewhere::File(file)),
        (Field::Absent, Field::Absent) => {
            problems.error(place, "`env` or `file` is missing");
            None
        }
        (Field::Given(_), Field::Given(_)) => {
            problems.error(place, "a value comes either from `env` or from `file`");
            None
        }
        (Field::Unreadable, _) | (_, Field::Unreadable) => None,
    }
}

/// Where the bearer token is, which is not in this file.
#[derive(Debug, Clone)]
pub(in crate::config) struct TokenSource(pub Elsewhere);

impl Shape for TokenSource {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if node.value.is_table() {
            return Elsewhere::read(node, problems).map(Self);
        }
        problems.hide_values(node);
        problems
            .error(&node.place, "a token does not belong in this file")
            .help("write { env = \"AIRGATE_ADMIN_TOKEN\" } or { file = \"path\" }");
        None
    }

    fn schema() -> Value {
        Elsewhere::schema()
    }
}

/// Tokens with their names. Where they are anything else, the tokens themselves may be it.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct NamedTokens(pub List<RawNamedToken>);

impl Shape for NamedTokens {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let elements = node.value.as_array();
        if elements.is_some_and(|all| all.iter().all(|one| one.get_ref().is_table())) {
            return List::read(node, problems).map(Self);
        }
        problems.hide_values(node);
        let message = format!("expected an array of tables, found {}", kind(node.value));
        problems
            .error(&node.place, message)
            .help("write [[admin.tokens]], and below it name, role and token");
        None
    }

    fn schema() -> Value {
        List::<RawNamedToken>::schema()
    }
}

/// A text that may be secret, written here or elsewhere.
#[derive(Debug, Clone)]
pub(in crate::config) enum SecretSource {
    Here(Secret),
    Elsewhere(Elsewhere),
}

impl Shape for SecretSource {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if node.value.is_table() {
            return Elsewhere::read(node, problems).map(Self::Elsewhere);
        }
        problems.hide_values(node);
        if let DeValue::String(text) = node.value {
            return Some(Self::Here(Secret::new(&**text)));
        }
        let message = format!("expected a text in quotes, found {}", kind(node.value));
        problems
            .error(&node.place, message)
            .help("or write { env = \"NAME\" } or { file = \"path\" }");
        None
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "string" }, Elsewhere::schema()] })
    }
}

/// As `describe`, without what it is.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Names with values that may be secret, in the order of the file.
#[derive(Debug, Clone)]
pub(in crate::config) struct Secrets<K>(pub Entries<K, SecretSource>);

impl<K: Text> Shape for Secrets<K> {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value else {
            problems.hide_values(node);
            let message = format!("expected a table, found {}", kind(node.value));
            problems
                .error(&node.place, message)
                .help("write { name = \"value\" }");
            return None;
        };
        let mut in_order: Vec<_> = table.iter().collect();
        in_order.sort_by_key(|(name, _)| name.span().start);
        let each = in_order.into_iter().filter_map(|(name, value)| {
            let key = name_of(name.get_ref(), &node.place.at(&name.span()), problems);
            // Where the name is unusable, the value may be part of it.
            let path = match &key {
                Some(_) => node.place.key(name.get_ref(), value.span()),
                None => node.place.at(&value.span()),
            };
            let value = value.get_ref();
            let value = Field::read(&Node { value, place: path }, problems);
            let place = node.place.key(name.get_ref(), name.span());
            Some(Entry {
                key: At { value: key?, place },
                value,
            })
        });
        Some(Self(Entries(each.collect())))
    }

    fn schema() -> Value {
        Entries::<K, SecretSource>::schema()
    }
}

/// An unusable name may have the value in it: `"KEY=value" = ""`.
fn name_of<K: Text>(text: &str, table: &Place, problems: &mut Problems<'_>) -> Option<K> {
    let refusal = match K::parse(text) {
        Ok(name) => return Some(name),
        Err(refusal) => refusal,
    };
    problems.hide(table.span.clone());
    let message = format!("this is not {}", K::NOUN);
    problems.error(table, message).help = refusal.help;
    None
}
