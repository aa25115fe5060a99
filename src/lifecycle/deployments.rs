//! All components as they serve at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deployment::Deployment;
use crate::component::Version;
use crate::core::ComponentName;

/// All components that are deployed. Never changes; a change makes another, which shares
/// what stays.
#[derive(Default, Clone)]
pub struct Deployments {
    components: BTreeMap<ComponentName, Arc<Deployment>>,
}

impl Deployments {
    pub fn get(&self, name: &ComponentName) -> Option<&Arc<Deployment>> {
        self.components.get(name)
    }

    /// By a name as a host name spells it: without regard to case, where that is unambiguous.
    pub fn find(&self, host: &str) -> Option<&Arc<Deployment>> {
        let exact = host.parse().ok().and_then(|name| self.get(&name));
        let alike = |it: &&Arc<Deployment>| it.name().as_str().eq_ignore_ascii_case(host);
        exact.or_else(|| self.iter().find(alike))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.components.values()
    }

    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.iter().flat_map(|deployment| deployment.versions())
    }

    /// Those that serve copies of requests.
    pub fn shadows(&self) -> impl Iterator<Item = &Arc<Version>> {
        let shadows = self.iter().filter_map(|deployment| deployment.shadow());
        shadows.flat_map(|shadow| shadow.versions())
    }

    /// Whether a version of the same name is in it.
    pub(super) fn holds(&self, version: &Version) -> bool {
        let deployment = self.get(version.component());
        deployment.is_some_and(|it| it.version(version.name()).is_some())
    }

    /// The same, but for one component.
    #[must_use]
    pub fn with(&self, deployment: Deployment) -> Self {
        let mut next = self.clone();
        next.components
            .insert(deployment.name().clone(), Arc::new(deployment));
        next
    }
}

impl FromIterator<Deployment> for Deployments {
    fn from_iter<T: IntoIterator<Item = Deployment>>(deployments: T) -> Self {
        let named = |deployment: Deployment| (deployment.name().clone(), Arc::new(deployment));
        Self {
            components: deployments.into_iter().map(named).collect(),
        }
    }
}
