//! The query of a request: known names, each once, with values that mean something.

use std::cell::Cell;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::value::{Error, MapDeserializer};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::admin::answer::Problem;
use crate::admin::api::Shared;

/// The parameters of a query.
pub(in crate::admin) struct Parameters<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

impl<T: DeserializeOwned> Parameters<T> {
    /// # Errors
    /// A name is unknown or there twice, or a value means nothing.
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        read(uri).map(Self)
    }
}

fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Problem::bad_request("the query is malformed"))?;
    // When it fails, the one that was being read is at fault.
    let name = Cell::new("");
    let pairs = pairs.iter().map(|(key, value)| {
        name.set(key);
        (key.as_str(), value.as_str())
    });
    T::deserialize(MapDeserializer::<_, Error>::new(pairs)).map_err(|error| {
        let name = name.get();
        Problem::bad_request(format!("{name}: {error}")).field(name)
    })
}

/// A value that is one of several words.
///
/// # Errors
/// It is none of them.
pub(in crate::admin) fn word<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A value that is written as text.
///
/// # Errors
/// What its type says of the text.
pub(in crate::admin) fn text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Strategy;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        #[serde(default, deserialize_with = "text")]
        limit: Option<usize>,
        #[serde(default, deserialize_with = "word")]
        strategy: Option<Strategy>,
    }

    fn read(query: &str) -> Result<Wanted, serde_json::Value> {
        let uri = format!("/?{query}").parse().unwrap();
        super::read(&uri).map_err(|problem| problem.document())
    }

    #[test]
    fn parameters_are_read() {
        let wanted = |limit, strategy| Ok(Wanted { limit, strategy });
        assert_eq!(read(""), wanted(None, None));
        assert_eq!(
            read("limit=5&strategy=blue-green"),
            wanted(Some(5), Some(Strategy::BlueGreen))
        );
        assert_eq!(read("l%69mit=%35"), wanted(Some(5), None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, field, detail) in [
            ("limit=-1", "limit", "limit: invalid digit"),
            ("limit=5&limit=5", "limit", "duplicate field"),
            ("strategy=best", "strategy", "unknown variant `best`"),
            ("limit=5&speed=1", "speed", "unknown field `speed`"),
            ("limit", "limit", "limit: cannot parse"),
        ] {
            let problem = read(query).unwrap_err();
            assert_eq!(
                (&problem["status"], &problem["field"]),
                (&400.into(), &field.into())
            );
            let said = problem["detail"].as_str().unwrap();
            assert!(said.contains(detail), "{said}");
        }
    }
}
