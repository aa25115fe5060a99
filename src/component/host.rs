//! From the bytes of a component to a version that is warm.

use std::sync::Arc;

use super::version::Version;
use crate::core::{ArtifactPolicy, ByteSize, ComponentSpec, Digest, Reuse, VersionName};
use crate::runtime::{Artifact, ArtifactError, InvokeError, LoadError, Loader, VersionPolicy};

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
}

impl Host {
    pub fn new(loader: Arc<Loader>) -> Self {
        Self { loader }
    }

    /// What compiling may take, for versions that are hosted from now on.
    pub fn set_artifact_policy(&self, policy: &ArtifactPolicy) {
        self.loader.set_artifact_policy(policy);
    }

    /// The largest component that is taken.
    pub fn artifact_limit(&self) -> ByteSize {
        self.loader.engines().bounds().artifact
    }

    /// Compiles, links and starts one version of `spec`, named after its digest where it
    /// has no name. Takes seconds where it compiles, in threads made for that.
    ///
    /// # Errors
    /// The bytes are not those pinned, or no component that can be served as `spec` says.
    pub async fn host(
        &self,
        bytes: Vec<u8>,
        pinned: Option<Digest>,
        name: Option<VersionName>,
        spec: Arc<ComponentSpec>,
    ) -> Result<Arc<Version>, HostingError> {
        let loader = self.loader.clone();
        let load = move || load(&loader, bytes, pinned, name, &spec);
        let version = tokio::task::spawn_blocking(load).await;
        let version = version.map_err(|_| HostingError::Interrupted)??;
        version.warm().await.map_err(HostingError::Start)?;
        Ok(Arc::new(version))
    }
}

fn load(
    loader: &Loader,
    bytes: Vec<u8>,
    pinned: Option<Digest>,
    name: Option<VersionName>,
    spec: &ComponentSpec,
) -> Result<Version, HostingError> {
    let artifact = Artifact::from_bytes(bytes, pinned)?;
    let name = name.unwrap_or_else(|| artifact.digest.short_name());
    let policy = VersionPolicy {
        component: spec.name.clone(),
        version: name,
        limits: spec.limits.clone(),
        grants: spec.grants.clone(),
    };
    let prepared = loader.load(&artifact, policy)?;
    let concurrent = matches!(spec.instances.reuse, Reuse::Concurrent { .. });
    if concurrent && !prepared.can_be_concurrent() {
        return Err(HostingError::NotConcurrent);
    }
    Ok(Version::new(
        prepared,
        artifact.digest,
        spec.instances.clone(),
    ))
}
