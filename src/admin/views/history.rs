//! A record of the journal, as it is shown: as it is written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::lifecycle::Verdict;
use crate::lifecycle::{Action, Record};

/// Who changed what, when and why.
#[derive(Serialize)]
#[serde(transparent)]
pub(in crate::admin) struct HistoryEntry(pub Record);

/// What a record is made of.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Shape {
    /// Rises by one.
    seq: u64,
    at: String,
    /// The name of a token, `configuration`, or `analysis`.
    by: String,
    component: String,
    action: Action,
    version: Option<String>,
    reason: Option<String>,
    /// With the numbers that decided.
    verdict: Option<Verdict>,
    /// The component afterwards, as the journal keeps it; absent when it is gone.
    after: Option<Map<String, Value>>,
}

impl JsonSchema for HistoryEntry {
    fn schema_name() -> Cow<'static, str> {
        "HistoryEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shape::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Timestamp;
    use crate::lifecycle::{ComponentState, Numbers, Outcome};

    #[test]
    fn a_record_is_what_its_schema_says() {
        let verdict = Verdict {
            outcome: Outcome::Pass,
            reason: "fine".into(),
            window_ms: 1,
            candidate: Numbers::default(),
            stable: Numbers::default(),
        };
        let record = Record {
            seq: 1,
            at: Timestamp::from_millis(0),
            by: "ci".into(),
            component: "cart".parse().unwrap(),
            action: Action::Step,
            version: Some("1.0".parse().unwrap()),
            reason: Some("it went well".into()),
            verdict: Some(verdict),
            after: Some(ComponentState::default()),
        };
        let written = serde_json::to_value(HistoryEntry(record)).unwrap();
        let schema = schemars::schema_for!(HistoryEntry).to_value();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&written), keys(&schema["properties"]));
    }
}
