//! `PUT …/traffic`: weights by hand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use axum::response::Response;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::ask::Ask;
use crate::admin::answer::Problem;
use crate::core::{VersionName, Weight};
use crate::lifecycle::DeliveryStatus;
use crate::lifecycle::Traffic;

/// What was sent, as it was sent: a map would hide a name that is there twice.
pub(in crate::admin) struct Weights(Vec<(String, Value)>);

pub(in crate::admin) async fn set(mut ask: Ask<Weights>) -> Result<Response, Problem> {
    let weights = ask.body.take();
    let weights = weights.ok_or_else(|| {
        Problem::bad_request("send weights by version, such as {\"1.4.2\": 95, \"1.5.0\": 5}")
    })?;
    let traffic = weights.check(&ask.status()?)?;
    let set = ask.change(None, |delivery, component, change| async move {
        delivery.set_traffic(&component, traffic, change).await
    });
    set.await
}

impl Weights {
    /// The weights of versions that there are, in the order in which these came.
    fn check(&self, status: &DeliveryStatus) -> Result<Traffic, Problem> {
        let mut shares = Vec::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            let place = status
                .versions
                .iter()
                .position(|it| it.name.as_str() == name);
            let place = place.ok_or_else(|| unknown(name, status))?;
            if shares.iter().any(|(other, _)| *other == place) {
                return Err(wrong(name, "is there twice"));
            }
            shares.push((place, weight(value).ok_or_else(|| wrong(name, NO_WEIGHT))?));
        }
        if shares.iter().all(|(_, weight)| *weight == 0) {
            return Err(wrong("traffic", "the weights sum to 0"));
        }
        shares.sort_unstable();
        let shares = shares.into_iter();
        Ok(Traffic::new(shares.map(|(place, weight)| {
            (status.versions[place].name.clone(), weight)
        })))
    }
}

const NO_WEIGHT: &str = "a weight is a whole number from 0 to 4294967295";

fn weight(value: &Value) -> Option<Weight> {
    value.as_u64()?.try_into().ok()
}

fn wrong(name: &str, reason: &str) -> Problem {
    Problem::unprocessable(format!("{name}: {reason}")).field(name)
}

fn unknown(name: &str, status: &DeliveryStatus) -> Problem {
    let known: Vec<VersionName> = status.versions.iter().map(|it| it.name.clone()).collect();
    wrong(name, "there is no such version").known(known)
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Weights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("weights by version")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Weights, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Weights(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl JsonSchema for Weights {
    fn schema_name() -> Cow<'static, str> {
        "Weights".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Weight>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Digest, Timestamp};
    use crate::lifecycle::VersionOrigin;
    use crate::lifecycle::VersionStatus;

    fn status(versions: &[&str]) -> DeliveryStatus {
        let version = |name: &&str| VersionStatus {
            name: name.parse().unwrap(),
            digest: Digest::new([0; 32]),
            bytes: 1,
            origin: VersionOrigin::Deployed,
            added: Timestamp::from_millis(0),
            weight: 0,
            loaded: true,
        };
        DeliveryStatus {
            component: "cart".parse().unwrap(),
            generation: 1,
            versions: versions.iter().map(version).collect(),
            traffic: BTreeMap::new(),
            previous: None,
            rollout: None,
        }
    }

    /// Weights of a component with the versions 1.10 and 1.9, of which 1.9 came first.
    fn check(json: &str) -> Result<Vec<(String, u32)>, Value> {
        let weights: Weights = serde_json::from_str(json).unwrap();
        let checked = weights.check(&status(&["1.9", "1.10"]));
        let traffic = checked.map_err(|problem| problem.document())?;
        let shares = traffic.iter();
        Ok(shares
            .map(|it| (it.version.to_string(), it.weight))
            .collect())
    }

    #[test]
    fn weights_are_taken_in_the_order_of_the_versions() {
        assert_eq!(
            check(r#"{"1.10": 5, "1.9": 4294967295}"#),
            Ok(vec![("1.9".into(), u32::MAX), ("1.10".into(), 5)])
        );
        assert_eq!(
            check(r#"{"1.10": 1, "1.9": 0}"#),
            Ok(vec![("1.10".into(), 1)])
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, field) in [
            ("{}", "traffic"),
            (r#"{"1.9": 0}"#, "traffic"),
            (r#"{"1.9": 1, "2.0": 1}"#, "2.0"),
            (r#"{"1.9": 1, "1.9": 2}"#, "1.9"),
            (r#"{"1.9": -1}"#, "1.9"),
            (r#"{"1.9": 1.5}"#, "1.9"),
            (r#"{"1.9": 4294967296}"#, "1.9"),
            (r#"{"1.9": "1"}"#, "1.9"),
        ] {
            let problem = check(json).unwrap_err();
            assert_eq!(
                (&problem["status"], &problem["field"]),
                (&422.into(), &field.into()),
                "{json}"
            );
        }
        let unknown = check(r#"{"2.0": 1}"#).unwrap_err();
        assert_eq!(unknown["known"], serde_json::json!(["1.9", "1.10"]));
    }
}
