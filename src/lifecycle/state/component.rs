//! One component as it is delivered.

use serde::{Deserialize, Serialize};

use super::{Rollout, Traffic};
use crate::core::{Digest, Timestamp, VersionName};

/// Where a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionOrigin {
    /// The configuration names it.
    Configuration,
    /// Somebody deployed it.
    Deployed,
}

/// Bytes that are in the vault, under a name that means them and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVersion {
    pub name: VersionName,
    pub digest: Digest,
    pub bytes: u64,
    pub origin: VersionOrigin,
    pub added: Timestamp,
    /// Where the configuration had it from, as it is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// All that must outlive a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ComponentState {
    /// Rises with every change: the entity tag of the component.
    pub generation: u64,
    /// Of what the configuration named when it was last obeyed: as long as it names the
    /// same, what was deployed since stands.
    pub statement: Option<Digest>,
    /// The versions that it named.
    #[serde(default)]
    pub named: Vec<VersionName>,
    /// The oldest first.
    pub versions: Vec<KeptVersion>,
    pub traffic: Traffic,
    /// What `rollback` goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Traffic>,
    /// The one under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

impl ComponentState {
    pub fn version(&self, name: &VersionName) -> Option<&KeptVersion> {
        self.versions.iter().find(|version| version.name == *name)
    }

    /// The rollout that has not ended.
    pub fn active_rollout(&self) -> Option<&Rollout> {
        self.rollout
            .as_ref()
            .filter(|rollout| rollout.phase.is_active())
    }

    /// Whether a version must be ready to serve: it has traffic, had it before, is about to
    /// get it, is named by the configuration, or is the newest.
    pub fn needs(&self, name: &VersionName) -> bool {
        let had = |traffic: &Traffic| traffic.weight(name) > 0;
        had(&self.traffic)
            || self.named.contains(name)
            // The newest: whoever deployed it without traffic wants to try it.
            || self.versions.last().is_some_and(|it| it.name == *name)
            || self.previous.as_ref().is_some_and(had)
            || self
                .active_rollout()
                .is_some_and(|it| it.candidate == *name || had(&it.from))
    }
}
