//! One change, as it stands in the journal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::{ComponentName, Timestamp, VersionName};
use crate::lifecycle::state::{ComponentState, Verdict};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The configuration named something newer and was obeyed.
    Configured,
    /// The configuration names the component no more.
    Removed,
    /// A version was verified and kept.
    Deployed,
    RolloutStarted,
    /// The rollout took its next step.
    Step,
    /// A judgement that moved nothing.
    Verdict,
    Paused,
    Resumed,
    Promoted,
    RolledBack,
    Aborted,
    /// Weights were set by hand.
    Traffic,
    /// Old versions were forgotten.
    Collected,
}

impl Action {
    /// As the journal and events have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Removed => "removed",
            Self::Deployed => "deployed",
            Self::RolloutStarted => "rollout_started",
            Self::Step => "step",
            Self::Verdict => "verdict",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled_back",
            Self::Aborted => "aborted",
            Self::Traffic => "traffic",
            Self::Collected => "collected",
        }
    }
}

/// One change with what it led to: the component as it is afterwards, so that the last
/// record of a component is all that must be known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Rises by one; after a rotation only the last record of each component is left.
    pub seq: u64,
    pub at: Timestamp,
    /// The name of a token, `configuration`, or `analysis`.
    pub by: String,
    pub component: ComponentName,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Absent when the component is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ComponentState>,
}
