//! A record of the journal, as it is shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::{ComponentName, Timestamp, VersionName};
use crate::lifecycle::DeliveryStatus;
use crate::lifecycle::Verdict;
use crate::lifecycle::{Action, Record};

/// Who changed what, when and why.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct HistoryEntry {
    /// Rises by one.
    seq: u64,
    #[schemars(with = "String")]
    at: Timestamp,
    /// The name of a token, `configuration`, or `analysis`.
    by: String,
    #[schemars(with = "String")]
    component: ComponentName,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    version: Option<VersionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// With the numbers that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// The component afterwards, whose versions are not said to be loaded; absent when it
    /// is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<DeliveryStatus>,
}

impl From<Record> for HistoryEntry {
    fn from(record: Record) -> Self {
        let after = record.after.as_ref();
        let after = after.map(|it| DeliveryStatus::new(record.component.clone(), it, |_| false));
        Self {
            seq: record.seq,
            at: record.at,
            by: record.by,
            component: record.component,
            action: record.action,
            version: record.version,
            reason: record.reason,
            verdict: record.verdict,
            after,
        }
    }
}
