//! Who is told of what becomes of versions.

use std::sync::{Arc, OnceLock, Weak};

use crate::core::{ComponentName, GroupName, RunState, VersionName};

/// Hears of every version's life, and acts where a version alone cannot. Its functions are called
/// in the middle of things, also of requests: they must not wait.
pub trait Superior: Send + Sync {
    /// A version is in another state than before; `reason`: why it failed.
    fn changed(
        &self,
        component: &ComponentName,
        version: &VersionName,
        state: RunState,
        reason: Option<&str>,
    );

    /// A version has failed more often than its policy permits, and is [`RunState::Failed`]. It is
    /// for its group to restart together (`Version::restart_with_group`, itself included); where it
    /// has none, or that does not help, the node is not ready.
    fn escalated(
        &self,
        component: &ComponentName,
        version: &VersionName,
        group: Option<&GroupName>,
    );
}

/// Where the superior will be, once there is one.
#[derive(Clone, Default)]
pub(in crate::component) struct Superiors(Arc<OnceLock<Weak<dyn Superior>>>);

impl Superiors {
    /// The first one counts.
    pub fn set(&self, superior: Weak<dyn Superior>) {
        let _ = self.0.set(superior);
    }

    pub fn get(&self) -> Option<Arc<dyn Superior>> {
        self.0.get()?.upgrade()
    }
}
