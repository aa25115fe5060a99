//! What can be asked of delivery, and what it answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::{ComponentName, Digest, RolloutPolicy, Strategy, Timestamp, VersionName, Weight};
use crate::lifecycle::state::{ComponentState, Phase, Rollout, Traffic, Verdict, VersionOrigin};

/// Who changes something, and on what premise.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name of a token, or what else caused it; written to the journal.
    pub by: String,
    /// In words, for the journal.
    pub reason: Option<String>,
    /// The generation that the component must have; `None`: any.
    pub expected: Option<u64>,
}

/// A version to be deployed.
pub struct Deploy {
    pub component: ComponentName,
    pub version: VersionName,
    pub bytes: Bytes,
    /// What the bytes must be, where the sender says so.
    pub digest: Option<Digest>,
    /// A detached signature: the text of a minisign file, or 64 bytes in base64.
    pub signature: Option<String>,
    /// Instead of the component's own strategy.
    pub strategy: Option<Strategy>,
    /// Instead of the component's own steps.
    pub steps: Option<Vec<u8>>,
    /// Keep it, but give it no traffic.
    pub without_traffic: bool,
    pub change: Change,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no component `{0}`")]
    NoComponent(String),
    #[error("component `{component}` has no version `{version}`; it has {}", listed(.known))]
    NoVersion {
        component: ComponentName,
        version: String,
        known: Vec<VersionName>,
    },
    #[error(
        "version `{version}` is there already with other bytes ({existing}); give these another name"
    )]
    NameTaken {
        version: VersionName,
        existing: Digest,
    },
    /// The state of the component does not allow it.
    #[error("{0}")]
    Conflict(String),
    #[error("the component has changed meanwhile: it is at generation {actual}, not {expected}")]
    Changed { expected: u64, actual: u64 },
    /// The artifact was refused; the text says why.
    #[error("{0}")]
    Refused(String),
    /// A field of the request means nothing.
    #[error("{field}: {reason}")]
    Invalid { field: &'static str, reason: String },
    #[error("the change cannot be written down, so it is not made: {0}")]
    Journal(std::io::Error),
    #[error("the node is draining")]
    Draining,
}

fn listed(names: &[VersionName]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// How a component is delivered now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryStatus {
    #[schemars(with = "String")]
    pub component: ComponentName,
    /// Its entity tag.
    pub generation: u64,
    /// The oldest first.
    pub versions: Vec<VersionStatus>,
    /// Weights by version; what is not listed gets nothing.
    #[schemars(with = "BTreeMap<String, u32>")]
    pub traffic: BTreeMap<String, Weight>,
    /// What `rollback` goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<BTreeMap<String, Weight>>,
    /// The rollout under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
}

/// One kept version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionStatus {
    #[schemars(with = "String")]
    pub name: VersionName,
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Size of the component.
    pub bytes: u64,
    pub origin: VersionOrigin,
    #[schemars(with = "String")]
    pub added: Timestamp,
    pub weight: Weight,
    /// Compiled and instantiable at this moment.
    pub loaded: bool,
}

/// A rollout as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutStatus {
    pub id: u64,
    #[schemars(with = "String")]
    pub candidate: VersionName,
    /// `canary`, `blue-green`, `rolling` or `immediate`.
    #[schemars(with = "String")]
    pub strategy: Strategy,
    pub phase: Phase,
    /// The place in `steps`, from 0.
    pub step: usize,
    /// The candidate's percent of the traffic, step by step.
    pub steps: Vec<u8>,
    /// The candidate's percent at this step.
    pub percent: u8,
    pub interval_ms: u64,
    pub by: String,
    #[schemars(with = "String")]
    pub started: Timestamp,
    #[schemars(with = "String")]
    pub changed: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last verdict, with its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl From<&Rollout> for RolloutStatus {
    fn from(rollout: &Rollout) -> Self {
        let RolloutPolicy {
            strategy, interval, ..
        } = &rollout.policy;
        Self {
            id: rollout.id,
            candidate: rollout.candidate.clone(),
            strategy: *strategy,
            phase: rollout.phase,
            step: rollout.step,
            steps: rollout.percentages(),
            percent: rollout.percent(),
            interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
            by: rollout.by.clone(),
            started: rollout.started,
            changed: rollout.changed,
            reason: rollout.reason.clone(),
            verdict: rollout.verdict.clone(),
        }
    }
}

impl DeliveryStatus {
    /// `loaded` says which versions can serve at this moment.
    pub fn new(
        component: ComponentName,
        state: &ComponentState,
        loaded: impl Fn(&VersionName) -> bool,
    ) -> Self {
        let version = |version: &crate::lifecycle::state::KeptVersion| VersionStatus {
            name: version.name.clone(),
            digest: version.digest,
            bytes: version.bytes,
            origin: version.origin,
            added: version.added,
            weight: state.traffic.weight(&version.name),
            loaded: loaded(&version.name),
        };
        Self {
            component,
            generation: state.generation,
            versions: state.versions.iter().map(version).collect(),
            traffic: weights(&state.traffic),
            previous: state.previous.as_ref().map(weights),
            rollout: state.rollout.as_ref().map(RolloutStatus::from),
        }
    }
}

fn weights(traffic: &Traffic) -> BTreeMap<String, Weight> {
    let shares = traffic.iter();
    shares
        .map(|share| (share.version.to_string(), share.weight))
        .collect()
}

/// Something that happened, for who watches.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliveryEvent {
    /// Rises by one; the `id` of a server-sent event.
    pub id: u64,
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `deployed`, `rollout_started`, `step`, `verdict`, `paused`, `resumed`, `promoted`,
    /// `rolled_back`, `aborted`, `traffic`, `configured`, `removed` or
    /// `collected`; or `state`, when a version runs, fails, restarts or is given up.
    pub kind: &'static str,
    pub component: String,
    pub by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The component afterwards; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<DeliveryStatus>>,
}
