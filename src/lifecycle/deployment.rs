//! Components as they are deployed: their versions, loaded and warm, and their traffic.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::source::{SourceError, read_path};
use super::split::Split;
use crate::component::{Host, HostingError, Version};
use crate::core::{
    Cohort, ComponentName, ComponentSpec, RequestId, Source, VersionName, VersionSpec,
};
use crate::security::digest;

/// A version that cannot be deployed, and why.
#[derive(Debug, thiserror::Error)]
#[error("component.{component}, version {version}: {reason}")]
pub struct DeployError {
    pub component: ComponentName,
    /// As the configuration names it.
    pub version: String,
    #[source]
    pub reason: Reason,
}

#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Hosting(#[from] HostingError),
    #[error("another version has the same name; give each one a `name` of its own")]
    SameName,
    #[error("no version has a weight above zero")]
    NoTraffic,
}

/// One component: what of it serves, and how often.
pub struct Deployment {
    spec: Arc<ComponentSpec>,
    versions: Vec<Arc<Version>>,
    split: Split,
}

impl Deployment {
    pub fn name(&self) -> &ComponentName {
        &self.spec.name
    }

    pub fn spec(&self) -> &ComponentSpec {
        &self.spec
    }

    pub fn versions(&self) -> &[Arc<Version>] {
        &self.versions
    }

    /// The version for one more request, as its place in [`Deployment::versions`], and the
    /// cohort that keeps what the request causes together.
    pub fn pick(&self, request: RequestId) -> (usize, Cohort) {
        self.split.pick(request)
    }

    /// The version for a call that another component makes.
    pub fn follow(&self, cohort: Cohort) -> usize {
        self.split.follow(cohort)
    }

    fn new(spec: Arc<ComponentSpec>, versions: Vec<Arc<Version>>) -> Result<Self, DeployError> {
        let fail = |version: &VersionName, reason| DeployError {
            component: spec.name.clone(),
            version: version.to_string(),
            reason,
        };
        for (index, version) in versions.iter().enumerate() {
            if versions[..index]
                .iter()
                .any(|other| other.name() == version.name())
            {
                return Err(fail(version.name(), Reason::SameName));
            }
            version.metrics().set_weight(spec.weights[index]);
        }
        match Split::new(&spec.weights) {
            Some(split) => Ok(Self {
                spec,
                versions,
                split,
            }),
            None => Err(fail(versions[0].name(), Reason::NoTraffic)),
        }
    }
}

/// All components that are deployed.
#[derive(Default)]
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

    /// Deploys `specs`. What `self` already runs from the same bytes under the same policy
    /// is taken over as it is, instances and all. `at_once` versions load side by side.
    ///
    /// # Errors
    /// Every version that cannot be deployed; nothing is changed then.
    pub async fn next(
        &self,
        specs: impl IntoIterator<Item = Arc<ComponentSpec>>,
        host: &Host,
        at_once: usize,
    ) -> Result<Self, Vec<DeployError>> {
        let specs: Vec<_> = specs.into_iter().collect();
        let mut jobs = Vec::new();
        for spec in &specs {
            jobs.extend(
                spec.versions
                    .iter()
                    .map(|version| self.version(spec, version, host)),
            );
        }
        let mut loaded = futures_util::stream::iter(jobs).buffered(at_once);
        let (mut errors, mut components) = (Vec::new(), BTreeMap::new());
        for spec in &specs {
            let mut versions = Vec::with_capacity(spec.versions.len());
            for _ in &spec.versions {
                match loaded.next().await {
                    Some(Ok(version)) => versions.push(version),
                    Some(Err(error)) => errors.push(error),
                    None => {}
                }
            }
            if versions.len() == spec.versions.len() {
                match Deployment::new(spec.clone(), versions) {
                    Ok(deployment) => {
                        components.insert(spec.name.clone(), Arc::new(deployment));
                    }
                    Err(error) => errors.push(error),
                }
            }
        }
        if errors.is_empty() {
            Ok(Self { components })
        } else {
            Err(errors)
        }
    }

    async fn version(
        &self,
        spec: &Arc<ComponentSpec>,
        version: &VersionSpec,
        host: &Host,
    ) -> Result<Arc<Version>, DeployError> {
        let fail = |reason: Reason| DeployError {
            component: spec.name.clone(),
            version: version
                .name
                .as_ref()
                .map_or("(unnamed)".into(), ToString::to_string),
            reason,
        };
        let limit = host.artifact_limit();
        let Source::Path(path) = version.source.clone() else {
            let place = version.source.to_string();
            return Err(fail(SourceError::NotAPath { place }.into()));
        };
        let read = tokio::task::spawn_blocking(move || {
            read_path(&path, limit).map(|bytes| (digest(&bytes), bytes))
        });
        let (digest, bytes) = read
            .await
            .map_err(|_| fail(HostingError::Interrupted.into()))?
            .map_err(|error| fail(error.into()))?;
        let same = |running: &&Arc<Version>| running.is_same(&digest, version.name.as_ref(), spec);
        let running = self
            .get(&spec.name)
            .and_then(|old| old.versions().iter().find(same));
        if let Some(running) = running.filter(|_| version.digest.is_none_or(|pin| pin == digest)) {
            return Ok(running.clone());
        }
        let hosted = host
            .host(bytes, version.digest, version.name.clone(), spec.clone())
            .await;
        hosted.map_err(|error| fail(error.into()))
    }
}
