//! Who is told of what becomes of versions.

use std::sync::{Arc, OnceLock, Weak};

use crate::core::{ComponentName, GroupName, RunState, VersionName};

/// Hears of every version's life, and acts where a version alone cannot. Its functions are called
/// in the middle of things, also of requests: they must not wait.
pub trait Superior: Send + Sync {
    /// A version is in another state than before; `reason`: why it failed. One that is
    /// installing is there only when it starts, or never.
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
#[derive(Clone)]
pub(in crate::component) struct Superiors(Option<Arc<OnceLock<Weak<dyn Superior>>>>);

impl Default for Superiors {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Superiors {
    /// For versions that only get copies of requests: they have the names of others, so what
    /// becomes of them is neither told nor measured.
    pub const NOBODY: Self = Self(None);

    pub fn are_nobody(&self) -> bool {
        self.0.is_none()
    }

    /// The first one counts.
    pub fn set(&self, superior: Weak<dyn Superior>) {
        if let Some(place) = &self.0 {
            let _ = place.set(superior);
        }
    }

    pub fn get(&self) -> Option<Arc<dyn Superior>> {
        self.0.as_ref()?.get()?.upgrade()
    }
}
