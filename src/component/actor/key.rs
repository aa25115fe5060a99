//! Which actor a request or message meets.
//!
//! A key is what a client or a publisher says it is: its length is bounded, and what is longer is
//! known by its hash.

use std::fmt;

use http::HeaderMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::core::{ActorKey, Message, stable_hash};

/// Bytes of a key that is kept as it is.
const LONGEST: usize = 256;

/// The name of an actor among those of its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ActorId {
    Key(Box<[u8]>),
    /// Of a key that is too long to keep.
    Hash([u8; 32]),
}

impl ActorId {
    /// Of those who have no key.
    pub fn empty() -> Self {
        Self::Key(Box::default())
    }

    fn of(key: &[u8]) -> Self {
        match key.len() {
            0..=LONGEST => Self::Key(key.into()),
            _ => Self::Hash(*blake3::hash(key).as_bytes()),
        }
    }

    /// The first field of this name counts.
    pub fn of_request(key: Option<&ActorKey>, headers: &HeaderMap) -> Self {
        let value = match key {
            Some(ActorKey::Header(name)) => headers.get(name),
            Some(ActorKey::Field(_)) | None => None,
        };
        value.map_or_else(Self::empty, |value| Self::of(value.as_bytes()))
    }

    /// As the same text in a request's header does, so does a message's.
    pub fn of_message(key: Option<&ActorKey>, message: &Message) -> Self {
        match key {
            Some(ActorKey::Header(name)) => {
                let value = message.entry(name.as_str());
                value.map_or_else(Self::empty, |value| Self::of(value.as_bytes()))
            }
            Some(ActorKey::Field(name)) => {
                let value = field(&message.body, name);
                value.map_or_else(Self::empty, |value| Self::of(value.as_bytes()))
            }
            None => Self::empty(),
        }
    }

    fn hash(&self) -> Option<u64> {
        match self {
            Self::Key(key) => (!key.is_empty()).then(|| stable_hash(key)),
            Self::Hash(hash) => Some(stable_hash(hash)),
        }
    }
}

/// What leads all who meet one actor to one version, requests and messages alike, the same on
/// every node; `None` for those who have no key.
pub(crate) fn key_of_request(key: &ActorKey, headers: &HeaderMap) -> Option<u64> {
    ActorId::of_request(Some(key), headers).hash()
}

/// As [`key_of_request`], for a message.
pub(crate) fn key_of_message(key: &ActorKey, message: &Message) -> Option<u64> {
    ActorId::of_message(Some(key), message).hash()
}

/// The value of a field of a JSON object: a text, or a number or truth value as it is written in
/// JSON. The last of several fields of this name counts, as it does for most readers. Nothing else
/// of the body is kept, and none of it nests on our stack.
fn field(body: &[u8], name: &str) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = json.deserialize_map(Object(name)).ok()?;
    json.end().ok()?;
    value
}

struct Object<'a>(&'a str);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_wanted) = map.next_key_seed(Is(self.0))? {
            if is_wanted {
                found = map.next_value_seed(Scalar)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// A value that can be a key; `None` for any other.
struct Scalar;

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::core::{Origin, Publisher};

    fn message(body: &str, entry: Option<(&str, &str)>) -> Message {
        let topic = "orders.created".parse().unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut message = Message::new(topic, body, Publisher::Gateway, Origin::NONE);
        message
            .metadata
            .extend(entry.map(|(key, value)| (key.to_owned(), value.to_owned())));
        message
    }

    fn by_header() -> ActorKey {
        ActorKey::Header(HeaderName::from_static("x-user"))
    }

    fn by_field(body: &str) -> ActorId {
        ActorId::of_message(Some(&ActorKey::Field("user".into())), &message(body, None))
    }

    #[test]
    fn a_header_and_a_metadata_entry_of_one_text_are_one_actor() {
        let mut headers = HeaderMap::new();
        headers.insert("x-user", HeaderValue::from_static("anna"));
        let request = ActorId::of_request(Some(&by_header()), &headers);
        let entry = message("", Some(("x-user", "anna")));
        assert_eq!(request, ActorId::of_message(Some(&by_header()), &entry));
        assert_eq!(request, ActorId::of(b"anna"));
    }

    #[test]
    fn without_a_key_it_is_the_empty_one() {
        let headers = HeaderMap::new();
        for id in [
            ActorId::of_request(None, &headers),
            ActorId::of_request(Some(&by_header()), &headers),
            ActorId::of_request(Some(&ActorKey::Field("user".into())), &headers),
            ActorId::of_message(Some(&by_header()), &message("", None)),
            by_field("no json"),
            by_field(r#"["user"]"#),
            by_field(r#"{"user": "anna"} and more"#),
            by_field(r#"{"user": "anna""#),
            by_field(r#"{"user": null}"#),
            by_field(r#"{"user": {"user": "anna"}}"#),
            by_field(r#"{"user": ["anna"]}"#),
            by_field(r#"{"order": {"user": "anna"}}"#),
            by_field(""),
        ] {
            assert_eq!(id, ActorId::empty());
        }
    }

    #[test]
    fn a_field_is_a_text_a_number_or_a_truth_value() {
        assert_eq!(
            by_field(r#"{"a": [1, {}], "user": "anna"}"#),
            ActorId::of(b"anna")
        );
        assert_eq!(
            by_field(r#"{"us\u0065r": "ann\u0061"}"#),
            ActorId::of(b"anna")
        );
        assert_eq!(by_field(r#"{"user": 17}"#), ActorId::of(b"17"));
        assert_eq!(by_field(r#"{"user": -3}"#), ActorId::of(b"-3"));
        assert_eq!(by_field(r#"{"user": true}"#), ActorId::of(b"true"));
        assert_eq!(by_field(r#"{"user": 1, "user": "b"}"#), ActorId::of(b"b"));
    }

    #[test]
    fn a_long_key_is_known_by_its_hash() {
        let long = "x".repeat(LONGEST + 1);
        let id = by_field(&format!(r#"{{"user": "{long}"}}"#));
        assert!(matches!(id, ActorId::Hash(_)));
        assert_ne!(id, by_field(&format!(r#"{{"user": "{long}x"}}"#)));
    }

    #[test]
    fn a_body_that_nests_deep_takes_no_stack() {
        let deep = format!(
            r#"{{"a": {}{}, "user": "anna"}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        assert_eq!(by_field(&deep), ActorId::of(b"anna"));
        // Where the key itself nests, it is no key.
        let deep = format!(
            r#"{{"user": {}{}}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        assert_eq!(by_field(&deep), ActorId::empty());
    }
}
