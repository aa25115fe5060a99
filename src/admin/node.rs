//! What the admin API needs of the node that it speaks for.

use std::sync::Arc;

use serde_json::Value;

use super::dead_letters::DeadLetters;
use crate::component::Version;
use crate::config::Config;
use crate::core::{ComponentMetadata, Health, MessageBus, RunState, Stores};
use crate::lifecycle::{Delivery, Deployments};
use crate::security::AuditTrail;

/// A running node.
#[async_trait::async_trait]
pub trait Node: Send + Sync + 'static {
    fn readiness(&self) -> Readiness;
    /// All metrics in the Prometheus text format.
    fn metrics(&self) -> String;
    fn config(&self) -> Arc<Config>;
    fn deployments(&self) -> Arc<Deployments>;
    /// Changes versions and traffic.
    fn delivery(&self) -> &Arc<Delivery>;
    fn audit(&self) -> &AuditTrail;
    fn stores(&self) -> Arc<dyn Stores>;
    fn bus(&self) -> Arc<dyn MessageBus>;
    fn dead_letters(&self) -> Arc<dyn DeadLetters>;
    /// Where a version is in its life.
    fn run(&self, version: &Version) -> Run;
    /// Begins to end the instances of a version and to start it anew, also one that has stopped.
    fn restart(&self, version: &Version);
    /// Begins to end the instances of a version: requests are answered with 503 until it is
    /// restarted.
    fn stop(&self, version: &Version);
    /// Reads the configuration again and takes it, or keeps the old one.
    async fn reload(&self) -> Result<(), ReloadFailure>;
    /// Begins to drain, as SIGTERM does.
    fn drain(&self);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    Draining,
}

/// Where a version is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub state: RunState,
    /// Its word at the last check; `None`: it was not asked yet, or has none.
    pub health: Option<Health>,
    /// Since it was loaded.
    pub restarts: u64,
    /// Why it was last restarted or given up.
    pub last_failure: Option<String>,
    /// What it says of itself.
    pub metadata: Option<ComponentMetadata>,
}

/// Why the old configuration stays.
#[derive(Debug)]
pub struct ReloadFailure {
    /// For people, as `airgate check` prints it.
    pub report: String,
    /// For programs: the diagnostics, where the file is at fault.
    pub diagnostics: Value,
}
