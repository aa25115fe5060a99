//! How a component is kept alive, as plain data.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Backoff, GroupName};

/// `[component.NAME.supervision]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervision {
    pub strategy: SupervisionStrategy,
    /// Restarts within `within`; one more, and it is given up.
    pub max_restarts: u32,
    pub within: Duration,
    /// Between a failure and the restart.
    pub backoff: Backoff,
    /// Components that are restarted together, where one of them escalates.
    pub group: Option<GroupName>,
    pub health: HealthPolling,
    /// Until an instance that is told to end is dropped.
    pub shutdown_timeout: Duration,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            strategy: SupervisionStrategy::default(),
            max_restarts: 5,
            within: Duration::from_secs(60),
            backoff: Backoff::default(),
            group: None,
            health: HealthPolling::default(),
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}

impl Supervision {
    /// For a component that is only tried out: its failures are nobody else's.
    #[must_use]
    pub fn without_effects(&self) -> Self {
        let strategy = match self.strategy {
            SupervisionStrategy::Escalate => SupervisionStrategy::Restart,
            other => other,
        };
        Self {
            strategy,
            group: None,
            ..self.clone()
        }
    }
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SupervisionStrategy {
    /// A restart; after too many of them a stop.
    #[default]
    Restart,
    /// A stop at once: requests are answered with 503.
    Stop,
    /// A restart; after too many of them its group is restarted, and where that does not help, or
    /// there is none, the node is not ready.
    Escalate,
}

/// How often a component is asked how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPolling {
    pub interval: Duration,
    /// Until its answer.
    pub timeout: Duration,
    /// So many bad answers, one after the other, are a failure.
    pub failures: NonZeroU32,
}

impl Default for HealthPolling {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            failures: const { NonZeroU32::new(3).unwrap() },
        }
    }
}

/// Where a version of a component is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Compiled and linked. Told to who watches, and seen nowhere else: only what is ready is
    /// shown.
    Installing,
    /// Its first instance starts.
    Starting,
    Running,
    /// It serves, and says that it is not as it should be, or has just failed a health check.
    Degraded,
    /// It has failed and waits for its restart.
    Restarting,
    /// Its instances are told to end.
    Stopping,
    /// It has failed too often, or somebody stopped it: requests are answered with 503.
    Stopped,
    /// As stopped, and the failure was escalated; or it could not be made ready, and is gone.
    Failed,
}

impl RunState {
    pub const ALL: [Self; 8] = [
        Self::Installing,
        Self::Starting,
        Self::Running,
        Self::Degraded,
        Self::Restarting,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
    ];

    /// As it is written, and the metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installing => "installing",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Whether requests and messages are let in.
    pub fn serves(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Degraded)
    }
}

/// What a component says of its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    Healthy,
    Degraded,
    Unhealthy,
}

impl HealthStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// A component's own word on its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub status: HealthStatus,
    /// At most 1 KiB.
    pub detail: Option<String>,
}

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentMetadata {
    pub name: String,
    pub version: String,
    pub description: String,
}

/// A component as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentInfo {
    pub name: super::ComponentName,
    /// The version with the most traffic.
    pub version: super::VersionName,
    pub state: RunState,
    /// Of the last health check.
    pub health: Option<Health>,
    pub metadata: Option<ComponentMetadata>,
}
