//! Arrays, and tables whose keys the operator chooses.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::{At, Field, Node, Problems, Shape, Text, describe, scalar};

/// An array. When one element cannot be read the list cannot: what it allows would be a guess.
pub(in crate::config) type List<T> = Vec<At<T>>;

impl<T: Shape> Shape for List<T> {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let DeValue::Array(elements) = node.value else {
            scalar::hide_table(node, problems);
            let wrong = problems.error(
                &node.place,
                format!("expected an array, found {}", describe(node.value)),
            );
            match node.value {
                DeValue::Table(_) => {
                    wrong.help(format!("write [[{}]], with two brackets", node.place.path))
                }
                _ => wrong.help("put it in brackets: [ … ]"),
            };
            return None;
        };
        let each = elements.iter().enumerate().map(|(index, element)| {
            let place = node.place.element(index, element.span());
            let node = Node {
                value: element.get_ref(),
                place,
            };
            let value = T::read(&node, problems)?;
            Some(At {
                value,
                place: node.place,
            })
        });
        // All of them are read before the first failure counts.
        let each: Vec<_> = each.collect();
        each.into_iter().collect()
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// One key of the operator's, and its value.
#[derive(Debug, Clone)]
pub(in crate::config) struct Entry<K, V> {
    pub key: At<K>,
    pub value: Field<V>,
}

/// A table whose keys the operator chooses, in the order of the file.
#[derive(Debug, Clone)]
pub(in crate::config) struct Entries<K, V>(pub Vec<Entry<K, V>>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Text, V: Shape> Shape for Entries<K, V> {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value else {
            let found = describe(node.value);
            problems.error(&node.place, format!("expected a table, found {found}"));
            return None;
        };
        let mut in_order: Vec<_> = table.iter().collect();
        in_order.sort_by_key(|(key, _)| key.span().start);
        let each = in_order.into_iter().filter_map(|(key, value)| {
            // A value below an unusable name is read all the same, for its own mistakes.
            let place = node.place.key(key.get_ref(), value.span());
            let value = Field::read(
                &Node {
                    value: value.get_ref(),
                    place,
                },
                problems,
            );
            let place = node.place.key(key.get_ref(), key.span());
            let key = scalar::parse(key.get_ref(), &place, problems)?;
            Some(Entry {
                key: At { value: key, place },
                value,
            })
        });
        Some(Self(each.collect()))
    }

    fn schema() -> Value {
        json!({ "type": "object", "propertyNames": K::schema(), "additionalProperties": V::schema() })
    }
}
