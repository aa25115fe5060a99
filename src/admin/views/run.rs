//! Where a version is in its life, as it is shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::component::Version;
use crate::core::{ComponentMetadata, Health, RunState};

/// What is known of it.
pub(in crate::admin) struct Run {
    state: RunState,
    health: Option<Health>,
    restarts: u64,
    last_failure: Option<String>,
    metadata: Option<ComponentMetadata>,
}

impl From<&Version> for Run {
    fn from(version: &Version) -> Self {
        Self {
            state: version.state(),
            health: version.health(),
            restarts: version.restarts(),
            last_failure: version.last_failure(),
            metadata: version.metadata(),
        }
    }
}

/// Where a version is in its life.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub(in crate::admin) struct RunView {
    /// `installing`, `starting`, `running`, `degraded`, `restarting`, `stopping`, `stopped` or
    /// `failed`.
    state: &'static str,
    /// Its word at the last check; `null`: it was not asked yet, or has none.
    health: Option<HealthView>,
    /// Since it was loaded.
    restarts: u64,
    /// Why it was last restarted or given up; `null`: it never was.
    last_failure: Option<String>,
    /// What it says of itself; `null`: nothing.
    metadata: Option<MetadataView>,
}

/// What a component says of its health.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Health")]
struct HealthView {
    /// `healthy`, `degraded` or `unhealthy`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What a component says of itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Metadata")]
struct MetadataView {
    name: String,
    version: String,
    description: String,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let health = run.health.map(|health| HealthView {
            status: health.status.as_str(),
            detail: health.detail,
        });
        let metadata = run.metadata.map(|metadata| MetadataView {
            name: metadata.name,
            version: metadata.version,
            description: metadata.description,
        });
        Self {
            state: run.state.as_str(),
            health,
            restarts: run.restarts,
            last_failure: run.last_failure,
            metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::HealthStatus;
    use serde_json::json;

    #[test]
    fn a_run_is_shown_with_all_that_is_known_of_it() {
        let run = Run {
            state: RunState::Degraded,
            health: Some(Health {
                status: HealthStatus::Degraded,
                detail: Some("no database".into()),
            }),
            restarts: 2,
            last_failure: Some("a trap".into()),
            metadata: Some(ComponentMetadata {
                name: "cart".into(),
                version: "1".into(),
                description: "keeps".into(),
            }),
        };
        let shown = serde_json::to_value(RunView::from(run)).unwrap();
        let expected = json!({
            "state": "degraded",
            "health": { "status": "degraded", "detail": "no database" },
            "restarts": 2,
            "last_failure": "a trap",
            "metadata": { "name": "cart", "version": "1", "description": "keeps" },
        });
        assert_eq!(shown, expected);
    }
}
