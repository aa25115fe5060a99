//! From the bytes of a component to a version that is warm.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use super::slots::Slots;
use super::supervisor::{Superior, Superiors};
use super::version::Version;
use crate::core::{
    ArtifactPolicy, ByteSize, ComponentSpec, Digest, GrantMode, Grants, Reuse, RunState,
    VersionName,
};
use crate::runtime::{
    Artifact, ArtifactError, InvokeError, LoadError, Loader, Missing, VersionPolicy,
};

/// Why a version cannot be hosted.
#[derive(Debug, thiserror::Error)]
pub enum HostingError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(
        "`concurrent` needs a component of WASI 0.3: one of WASI 0.2 serves one request at a time"
    )]
    NotConcurrent,
    #[error(
        "it exports no HTTP handler, and a route leads to it: it must export wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3"
    )]
    NoHttpHandler,
    #[error(
        "it exports no handler of messages, and it subscribes to topics: it must export wasi:messaging/incoming-handler@0.2.0-draft or wasmcloud:messaging/handler@0.2.0"
    )]
    NoMessageHandler,
    #[error("it cannot be started: {}", chain(.0))]
    Start(#[source] InvokeError),
    #[error("loading it was interrupted")]
    Interrupted,
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Hosts versions on one set of engines.
#[derive(Clone)]
pub struct Host {
    loader: Arc<Loader>,
    superiors: Superiors,
    slots: Arc<Slots>,
}

impl Host {
    pub fn new(loader: Arc<Loader>) -> Self {
        Self {
            loader,
            superiors: Superiors::default(),
            slots: Arc::default(),
        }
    }

    /// The same for versions that only get copies of requests: of what becomes of them nobody
    /// hears, since they have the names of those that get the requests.
    #[must_use]
    pub fn for_copies(&self) -> Self {
        Self {
            loader: self.loader.clone(),
            superiors: Superiors::NOBODY,
            slots: self.slots.clone(),
        }
    }

    /// Who hears of what becomes of versions, those that are hosted already too; the first one
    /// counts.
    pub fn report_to(&self, superior: Weak<dyn Superior>) {
        self.superiors.set(superior);
    }

    /// The largest component that is taken.
    pub fn artifact_limit(&self) -> ByteSize {
        self.loader.engines().bounds().artifact
    }

    /// How long and with how much memory components may be compiled from now on.
    pub fn set_artifact_policy(&self, policy: &ArtifactPolicy) {
        self.loader.set_artifact_policy(policy);
    }

    /// Compiles, links and starts one version of `spec`. Takes seconds where it compiles, in
    /// threads made for that. Who hears of versions hears that it begins, and if it fails.
    ///
    /// # Errors
    /// The bytes are no component that can be served as `spec` says.
    pub async fn host(
        &self,
        artifact: Artifact,
        name: VersionName,
        spec: Arc<ComponentSpec>,
    ) -> Result<Arc<Version>, HostingError> {
        let (component, version) = (spec.name.clone(), name.clone());
        let tell = |state, reason: Option<&str>| {
            if let Some(superior) = self.superiors.get() {
                superior.changed(&component, &version, state, reason);
            }
        };
        tell(RunState::Installing, None);
        let made = self.make(artifact, name, spec).await;
        if let Err(error) = &made {
            tell(RunState::Failed, Some(&error.to_string()));
        }
        made
    }

    async fn make(
        &self,
        artifact: Artifact,
        name: VersionName,
        spec: Arc<ComponentSpec>,
    ) -> Result<Arc<Version>, HostingError> {
        let (host, runtime) = (self.clone(), Handle::current());
        let load = move || load(&host, &artifact, name, &spec, runtime);
        let version = tokio::task::spawn_blocking(load).await;
        let version = version.map_err(|_| HostingError::Interrupted)??;
        version.warm().await.map_err(HostingError::Start)?;
        Ok(Arc::new(version))
    }

    /// Removes what was compiled from artifacts that are gone.
    pub fn forget(&self, artifacts: &[Digest]) {
        self.loader.forget(artifacts);
    }

    /// What a version imports in earnest and is not granted; nothing in audit mode.
    pub fn ungranted(&self, version: &Version, grants: &Grants) -> Vec<Missing> {
        if grants.mode != GrantMode::Enforce {
            return Vec::new();
        }
        let capabilities = self.loader.services().capabilities();
        let missing = capabilities.compare(version.imports(), grants).missing;
        let in_earnest = |it: &Missing| it.traps || !(it.is_usual || it.remains.is_some());
        missing.into_iter().filter(in_earnest).collect()
    }
}

fn load(
    host: &Host,
    artifact: &Artifact,
    name: VersionName,
    spec: &ComponentSpec,
    runtime: Handle,
) -> Result<Version, HostingError> {
    let policy = VersionPolicy {
        component: spec.name.clone(),
        version: name,
        limits: spec.limits.clone(),
        grants: spec.grants.clone(),
    };
    let prepared = host.loader.load(artifact, policy)?;
    let concurrent = matches!(spec.instances.reuse, Reuse::Concurrent { .. });
    if concurrent && !prepared.can_be_concurrent() {
        return Err(HostingError::NotConcurrent);
    }
    if spec.routed && !prepared.serves_http() {
        return Err(HostingError::NoHttpHandler);
    }
    if !spec.subscriptions.is_empty() && !prepared.handles_messages() {
        return Err(HostingError::NoMessageHandler);
    }
    Ok(Version::new(
        prepared,
        artifact.digest,
        spec,
        host.superiors.clone(),
        &host.slots,
        runtime,
    ))
}
