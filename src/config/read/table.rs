//! Tables with a fixed set of keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::{At, Field, Node, Place, Problems, describe, did_you_mean};

/// A value that can be read from TOML and described in the JSON Schema.
pub(in crate::config) trait Shape: Sized {
    /// `None` after the mistake was reported.
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self>;

    fn schema() -> Value;
}

impl<T: Shape> Field<T> {
    pub fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Self {
        match T::read(node, problems) {
            Some(value) => Self::Given(At {
                value,
                place: node.place.clone(),
            }),
            None => Self::Unreadable,
        }
    }
}

/// One key of a table.
pub(in crate::config) struct Key {
    pub name: &'static str,
    pub required: bool,
    /// What it means, its unit and its default.
    pub doc: &'static str,
}

impl Key {
    /// Its meaning in one line.
    fn about(&self) -> String {
        let words: Vec<_> = self.doc.split_whitespace().collect();
        words.join(" ")
    }
}

/// A table being read: every key is asked for, then [`finish`](Self::finish) reports the rest.
pub(in crate::config) struct Table<'a> {
    entries: &'a DeTable<'a>,
    place: Place,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub fn open(node: &Node<'a>, problems: &mut Problems<'_>) -> Option<Self> {
        let DeValue::Table(entries) = node.value else {
            let found = describe(node.value);
            problems.error(&node.place, format!("expected a table, found {found}"));
            return None;
        };
        let place = node.place.clone();
        Some(Self {
            entries,
            place,
            known: Vec::new(),
        })
    }

    pub fn take<T: Shape>(&mut self, key: &Key, problems: &mut Problems<'_>) -> Field<T> {
        self.known.push(key.name);
        if let Some(value) = self.entries.get(key.name) {
            let place = self.place.key(key.name, value.span());
            return Field::read(
                &Node {
                    value: value.get_ref(),
                    place,
                },
                problems,
            );
        }
        if key.required {
            let message = format!("`{}` is missing", key.name);
            problems.error(&self.place, message).help(key.about());
        }
        Field::Absent
    }

    pub fn finish(self, problems: &mut Problems<'_>) {
        for (key, value) in self.entries {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            // It may be a secret under a name with a slip in it.
            problems.hide_values(&Node {
                value: value.get_ref(),
                place: self.place.at(&value.span()),
            });
            let meant = did_you_mean(name, self.known.iter().copied());
            problems
                .error(
                    &self.place.at(&key.span()),
                    format!("unknown key {name:?}{meant}"),
                )
                .help(format!("the keys here are {}", self.known.join(", ")));
        }
    }
}

/// The schema of a table with these keys and their values.
pub(in crate::config) fn table_schema(keys: &[Key], values: Vec<Value>) -> Value {
    let names = keys.iter().filter(|key| key.required).map(|key| key.name);
    let required: Vec<_> = names.collect();
    let properties: BTreeMap<_, _> = keys.iter().zip(values).map(described).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), json!(properties));
    schema.insert("additionalProperties".into(), json!(false));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    Value::Object(schema)
}

fn described((key, mut value): (&Key, Value)) -> (&'static str, Value) {
    if let Some(schema) = value.as_object_mut() {
        schema.insert("description".into(), json!(key.about()));
    }
    (key.name, value)
}

/// Declares tables: a struct with a [`Field`] for each key, its reader and its schema, all from
/// the one list, so that none of them knows a key that another does not.
macro_rules! shape_table {
    ($(
        $(#[$about:meta])*
        struct $table:ident {
            $( $(#[doc = $doc:literal])* $presence:ident $key:ident: $type:ty, )*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Default)]
        pub(in crate::config) struct $table {
            $( $(#[doc = $doc])* pub $key: $crate::config::read::Field<$type>, )*
        }

        impl $table {
            const KEYS: &[$crate::config::read::Key] = &[$( $crate::config::read::Key {
                name: stringify!($key),
                required: $crate::config::read::is_required!($presence),
                doc: concat!($($doc, "\n"),*),
            }, )*];
        }

        impl $crate::config::read::Shape for $table {
            fn read(
                node: &$crate::config::read::Node<'_>,
                problems: &mut $crate::config::read::Problems<'_>,
            ) -> Option<Self> {
                let mut table = $crate::config::read::Table::open(node, problems)?;
                let mut keys = Self::KEYS.iter();
                // The fields are read in the order of the list, so the next key is theirs.
                let read = Self { $( $key: table.take(keys.next()?, problems), )* };
                table.finish(problems);
                Some(read)
            }

            fn schema() -> serde_json::Value {
                let values = vec![$( <$type as $crate::config::read::Shape>::schema() ),*];
                $crate::config::read::table_schema(Self::KEYS, values)
            }
        }
    )*};
}

macro_rules! is_required {
    (required) => {
        true
    };
    (optional) => {
        false
    };
}

pub(in crate::config) use {is_required, shape_table};
