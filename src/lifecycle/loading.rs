//! From what the configuration or the journal names to versions that are warm: fetched,
//! verified, compiled. What is verified is exactly the bytes that run: they are read once.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::deployment::Deployment;
use super::deployments::Deployments;
use super::plan::{NameTaken, Stated, Statement};
use super::source::{SourceError, Sources};
use super::state::{ComponentState, KeptVersion};
use super::vault::{Vault, VaultError};
use crate::component::{Artifact, Host, HostingError, Version};
use crate::core::{
    ArtifactPolicy, ComponentName, ComponentSpec, Digest, Source, VersionName, VersionSpec,
};
use crate::security::{
    DigestMismatch, NotPinned, SignatureError, require_pin, verify, verify_signature,
};

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
    Digest(#[from] DigestMismatch),
    #[error(transparent)]
    Unpinned(#[from] NotPinned),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error(transparent)]
    Hosting(#[from] HostingError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0}")]
    Change(String),
    #[error("nothing is kept here")]
    Nowhere,
    #[error("it cannot be kept: {0}")]
    Keep(std::io::Error),
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    #[error("another version has the same name; give each one a `name` of its own")]
    SameName,
    #[error("no version has a weight above zero")]
    NoTraffic,
}

/// A version with the bytes that the configuration names.
pub(super) struct Found {
    pub name: VersionName,
    pub source: String,
    pub artifact: Artifact,
}

/// Everything that loading needs.
pub(super) struct Loading<'a> {
    pub host: &'a Host,
    pub sources: &'a Sources,
    pub policy: &'a ArtifactPolicy,
    /// Where bytes are kept; without it nothing is.
    pub vault: Option<&'a Arc<Vault>>,
    /// What of it stays the same is taken over as it is, instances and all.
    pub running: &'a Deployments,
    /// Loaded already, and not yet serving.
    pub spare: &'a [Arc<Version>],
}

impl Loading<'_> {
    /// Fetches and verifies every version that the configuration names.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub async fn find(
        &self,
        spec: &ComponentSpec,
        known: Option<&ComponentState>,
    ) -> Result<Vec<Found>, DeployError> {
        let mut all: Vec<Found> = Vec::with_capacity(spec.versions.len());
        for version in &spec.versions {
            let fail = |reason: Reason| fail(spec, version, reason);
            let found = self.found(version, known).await.map_err(fail)?;
            if all.iter().any(|other| other.name == found.name) {
                return Err(fail(Reason::SameName));
            }
            all.push(found);
        }
        Ok(all)
    }

    async fn found(
        &self,
        version: &VersionSpec,
        known: Option<&ComponentState>,
    ) -> Result<Found, Reason> {
        require_pin(self.policy, version.digest)?;
        let (bytes, signature) = match self.pinned(version) {
            Some(bytes) => (bytes, None),
            None => self.fetch(version, known).await?,
        };
        let (policy, pin) = (self.policy.clone(), version.digest);
        let vault = self.vault.cloned();
        let source = version.source.to_string();
        let verified = tokio::task::spawn_blocking(move || {
            let verified = verified(&policy, vault.as_deref(), bytes, pin, signature)?;
            if let Err(error) = verified.keep(vault.as_deref()) {
                // The source still has it; a full disk must not keep a node from serving.
                tracing::error!(source, %error, "a version cannot be kept; a rollback to it may fail");
            }
            Ok::<_, Reason>(verified.artifact)
        });
        let artifact = verified.await.map_err(|_| HostingError::Interrupted)??;
        let name = version.name.clone();
        Ok(Found {
            name: name.unwrap_or_else(|| artifact.digest.short_name()),
            source: version.source.to_string(),
            artifact,
        })
    }

    async fn fetch(
        &self,
        version: &VersionSpec,
        known: Option<&ComponentState>,
    ) -> Result<(Vec<u8>, Option<String>), Reason> {
        let limit = self.host.artifact_limit();
        let error = match self.sources.fetch(&version.source, limit).await {
            Ok(bytes) if !self.wants_signature(version) => return Ok((bytes, None)),
            Ok(bytes) => return Ok((bytes, self.sources.signature(version).await?)),
            Err(error) => error,
        };
        match self.last_known(version, known) {
            Some(bytes) => {
                tracing::warn!(source = %version.source, %error,
                    "cannot be fetched; what was fetched from there last is taken");
                Ok((bytes, None))
            }
            None => Err(error.into()),
        }
    }

    /// Some stores answer oddly for what is not there: they are not asked in vain.
    fn wants_signature(&self, version: &VersionSpec) -> bool {
        let is_checked = self.policy.require_signature || !self.policy.trusted_keys.is_empty();
        is_checked || version.signature.is_some()
    }

    /// A registry that is down must not keep a node from starting.
    fn last_known(&self, version: &VersionSpec, known: Option<&ComponentState>) -> Option<Vec<u8>> {
        if matches!(version.source, Source::Path(_)) {
            return None;
        }
        let source = version.source.to_string();
        let known = known?;
        let mut kept = known.versions.iter().rev();
        let is_named = |kept: &&KeptVersion| known.named.contains(&kept.name);
        let kept = kept.find(|it| is_named(it) && it.source.as_ref() == Some(&source))?;
        self.vault?.get(&kept.digest).ok()
    }

    /// What is far away and pinned is fetched once.
    fn pinned(&self, version: &VersionSpec) -> Option<Vec<u8>> {
        let pin = version.digest.as_ref()?;
        match version.source {
            Source::Path(_) => None,
            Source::Https(_) | Source::Oci(_) => self.vault?.get(pin).ok(),
        }
    }

    /// The version itself, from `artifact` or from the vault.
    pub async fn load(
        &self,
        spec: &Arc<ComponentSpec>,
        name: &VersionName,
        digest: &Digest,
        artifact: Option<Artifact>,
    ) -> Result<Arc<Version>, Reason> {
        let running = self.running.get(&spec.name);
        let running = running.and_then(|running| running.version(name));
        let mut there = running.into_iter().chain(self.spare);
        if let Some(same) = there.find(|it| it.is_same(digest, name, spec)) {
            return Ok(same.clone());
        }
        let artifact = match artifact {
            Some(artifact) => artifact,
            None => self.kept(digest).await?,
        };
        Ok(self.host.host(artifact, name.clone(), spec.clone()).await?)
    }

    /// Bytes from the vault, held to today's policy.
    async fn kept(&self, digest: &Digest) -> Result<Artifact, Reason> {
        let Some(vault) = self.vault.cloned() else {
            return Err(Reason::Nowhere);
        };
        let (policy, digest) = (self.policy.clone(), *digest);
        let read = tokio::task::spawn_blocking(move || {
            let bytes = vault.get(&digest)?;
            let signature = vault.get_signature(&digest).map_err(Reason::Keep)?;
            verify_signature(&policy, &bytes, signature.as_deref())?;
            Ok(Artifact { bytes, digest })
        });
        read.await.map_err(|_| HostingError::Interrupted)?
    }
}

/// Bytes that are what they should be.
pub(super) struct Verified {
    pub artifact: Artifact,
    signature: Option<String>,
}

/// Checks pin and signature over these bytes. A signature that was kept with the same bytes
/// counts where none is given.
pub(super) fn verified(
    policy: &ArtifactPolicy,
    vault: Option<&Vault>,
    bytes: Vec<u8>,
    pin: Option<Digest>,
    signature: Option<String>,
) -> Result<Verified, Reason> {
    let digest = verify(&bytes, pin)?;
    let signature = match (signature, vault) {
        (None, Some(vault)) => vault.get_signature(&digest).map_err(Reason::Keep)?,
        (signature, _) => signature,
    };
    verify_signature(policy, &bytes, signature.as_deref())?;
    Ok(Verified {
        artifact: Artifact { bytes, digest },
        signature,
    })
}

impl Verified {
    /// Puts it into the vault, whole or not at all.
    pub fn keep(&self, vault: Option<&Vault>) -> std::io::Result<()> {
        let (Some(vault), digest) = (vault, &self.artifact.digest) else {
            return Ok(());
        };
        vault.put(digest, &self.artifact.bytes)?;
        match &self.signature {
            Some(signature) => vault.put_signature(digest, signature),
            None => Ok(()),
        }
    }
}

fn fail(spec: &ComponentSpec, version: &VersionSpec, reason: Reason) -> DeployError {
    let name = version.name.as_ref();
    DeployError {
        component: spec.name.clone(),
        version: name.map_or("(unnamed)".into(), ToString::to_string),
        reason,
    }
}

impl DeployError {
    pub(super) fn new(spec: &ComponentSpec, version: &VersionName, reason: Reason) -> Self {
        Self {
            component: spec.name.clone(),
            version: version.to_string(),
            reason,
        }
    }
}

/// What the configuration states, once it is known what its sources hold.
pub(super) fn statement(spec: &ComponentSpec, found: &[Found]) -> Statement {
    let stated = found
        .iter()
        .zip(&spec.weights)
        .map(|(found, weight)| Stated {
            name: found.name.clone(),
            digest: found.artifact.digest,
            bytes: found.artifact.bytes.len() as u64,
            weight: *weight,
            source: found.source.clone(),
        });
    Statement {
        versions: stated.collect(),
    }
}

impl Deployments {
    /// Loads exactly what `specs` name, and keeps nothing of it: for checks and benchmarks.
    ///
    /// # Errors
    /// Every component that cannot be deployed.
    pub async fn load(
        specs: impl IntoIterator<Item = Arc<ComponentSpec>>,
        host: &Host,
        sources: &Sources,
        policy: &ArtifactPolicy,
        at_once: usize,
    ) -> Result<Self, Vec<DeployError>> {
        let running = Self::default();
        let loading = Loading {
            host,
            sources,
            policy,
            vault: None,
            running: &running,
            spare: &[],
        };
        let jobs = specs.into_iter().map(|spec| whole(&loading, spec));
        let loaded: Vec<_> = futures_util::stream::iter(jobs)
            .buffered(at_once)
            .collect()
            .await;
        let (mut errors, mut deployments) = (Vec::new(), Vec::new());
        for result in loaded {
            match result {
                Ok(deployment) => deployments.push(deployment),
                Err(error) => errors.push(error),
            }
        }
        match errors.is_empty() {
            true => Ok(deployments.into_iter().collect()),
            false => Err(errors),
        }
    }
}

async fn whole(loading: &Loading<'_>, spec: Arc<ComponentSpec>) -> Result<Deployment, DeployError> {
    let found = loading.find(&spec, None).await?;
    let traffic = statement(&spec, &found).traffic();
    let mut versions = Vec::with_capacity(found.len());
    for Found { name, artifact, .. } in found {
        let digest = artifact.digest;
        let loaded = loading.load(&spec, &name, &digest, Some(artifact)).await;
        versions.push(loaded.map_err(|reason| DeployError::new(&spec, &name, reason))?);
    }
    let first = versions.first().map(|it| it.name().clone());
    Deployment::new(spec.clone(), versions, &traffic).ok_or_else(|| DeployError {
        component: spec.name.clone(),
        version: first.map_or(String::new(), |name| name.to_string()),
        reason: Reason::NoTraffic,
    })
}
