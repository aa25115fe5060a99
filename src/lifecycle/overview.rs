//! What components may learn of each other.

use super::directory::Directory;
use crate::component::Overview;
use crate::core::{ComponentInfo, ComponentName};

impl Overview for Directory {
    fn component(&self, name: &ComponentName) -> Option<ComponentInfo> {
        let deployments = self.load();
        let deployment = deployments.get(name)?;
        let versions = deployment.versions().iter().zip(deployment.weights());
        let (version, _) = versions.max_by_key(|(_, weight)| **weight)?;
        Some(ComponentInfo {
            name: name.clone(),
            version: version.name().clone(),
            state: version.state(),
            health: version.health(),
            metadata: version.metadata(),
        })
    }
}
