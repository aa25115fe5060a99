//! What the admin API needs of the node that it speaks for.

use std::sync::Arc;

use serde_json::Value;

use crate::config::Config;
use crate::core::{ComponentName, DeadLetters, MessageBus, Stores};
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
    /// Reads the configuration again and takes it, or keeps the old one.
    async fn reload(&self) -> Result<(), ReloadFailure>;
    /// Begins to drain, as SIGTERM does.
    fn drain(&self);
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    Draining,
    /// These have failed, and nobody below could mend it.
    Failed(Vec<ComponentName>),
}

/// Why the old configuration stays.
#[derive(Debug)]
pub struct ReloadFailure {
    /// For people, as `airgate check` prints it.
    pub report: String,
    /// For programs: the diagnostics, where the file is at fault.
    pub diagnostics: Value,
}
