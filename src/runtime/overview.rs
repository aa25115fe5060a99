//! What components may learn of each other.

use crate::core::{ComponentInfo, ComponentName};

/// Whoever knows how all components are.
pub trait Overview: Send + Sync + 'static {
    /// `None`: there is no such component.
    fn component(&self, name: &ComponentName) -> Option<ComponentInfo>;
}
