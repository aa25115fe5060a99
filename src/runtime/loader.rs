//! From an artifact to something that can be instantiated: compiled or taken from the
//! cache, its imports linked, its handler found. What cannot serve is refused here.

use std::sync::{Arc, OnceLock};

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use super::artifact::{Artifact, ArtifactError, Surface};
use super::cache::{self, CodeCache};
use super::compiler::{CompileError, Compiler, Workshop};
use super::engine::{EngineKind, Engines};
use super::exports::ExportsPre;
use super::guest::Guest;
use super::instance::{Prepared, Recipe};
use super::lane::{Pace, SlowLane};
use super::linker::{link, link_without};
use super::reach::{Reach, Services};
use crate::core::{ArtifactPolicy, ComponentName, Digest, GrantMode, Grants, Limits, VersionName};

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("cannot compile it: {0}")]
    Compile(#[from] CompileError),
    #[error("it imports what nothing here provides: {0}")]
    Import(String),
    #[error("cannot start an engine: {0}")]
    Engine(String),
}

/// Compiles and links components; shared by all of them.
pub struct Loader {
    engines: Arc<Engines>,
    workshop: Workshop,
    cache: Option<CodeCache>,
    lane: Arc<SlowLane>,
    services: Arc<Services>,
    linkers: [OnceLock<Linker<Guest>>; 4],
}

/// What the operator decided for the version that is loaded.
pub struct VersionPolicy {
    pub component: ComponentName,
    pub version: VersionName,
    pub limits: Limits,
    pub grants: Arc<Grants>,
}

impl Loader {
    /// Without a cache every start compiles everything.
    pub fn new(
        engines: Arc<Engines>,
        compiler: Compiler,
        cache: Option<CodeCache>,
        lane: Arc<SlowLane>,
        services: Arc<Services>,
    ) -> Self {
        Self {
            engines,
            workshop: Workshop::new(compiler),
            cache,
            lane,
            services,
            linkers: Default::default(),
        }
    }

    /// What compiling a component may take, for those that are loaded from now on; the
    /// defaults until then.
    pub fn set_artifact_policy(&self, policy: &ArtifactPolicy) {
        self.workshop.set_policy(policy);
    }

    /// Removes from the cache what was compiled from these artifacts.
    pub fn forget(&self, artifacts: &[Digest]) {
        if let Some(cache) = &self.cache {
            cache.remove(artifacts);
        }
    }

    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Makes one version ready to be instantiated. Blocks: for seconds where it compiles.
    ///
    /// # Errors
    /// The artifact is no valid component, exports no handler, takes more than the
    /// policy allows to compile, or imports what nothing provides.
    pub fn load(&self, artifact: &Artifact, policy: VersionPolicy) -> Result<Prepared, LoadError> {
        let surface = self.surface(artifact)?;
        let Some(handlers) = surface.handlers() else {
            return Err(ArtifactError::NoHandler {
                exports: surface.exports,
            }
            .into());
        };
        let kind = EngineKind {
            concurrent: surface.concurrent,
            metered: policy.limits.fuel.is_some(),
        };
        let engine = self
            .engines
            .get(kind)
            .map_err(|e| LoadError::Engine(format!("{e:#}")))?;
        let compiled = self.compile(engine, kind, artifact)?;
        let exports = self
            .prelink(engine, kind, &compiled, &surface, &policy.grants)?
            .and_then(|pre| ExportsPre::find(pre, handlers))
            .map_err(|error| LoadError::Import(format!("{error:#}")))?;
        Ok(Prepared::new(
            engine.clone(),
            exports,
            Arc::new(self.recipe(policy, kind)),
            surface.imports,
        ))
    }

    fn recipe(&self, policy: VersionPolicy, kind: EngineKind) -> Recipe {
        let VersionPolicy {
            component,
            version,
            limits,
            grants,
        } = policy;
        Recipe {
            reach: Reach::new(self.services.clone(), grants, &component, &version),
            component,
            version,
            limits,
            bounds: self.engines.bounds().clone(),
            metered: kind.metered,
            pace: Pace::default(),
            lane: self.lane.clone(),
        }
    }

    /// The outer error is ours, the inner one the component's.
    fn prelink(
        &self,
        engine: &Engine,
        kind: EngineKind,
        compiled: &Component,
        surface: &Surface,
        grants: &Grants,
    ) -> Result<wasmtime::Result<InstancePre<Guest>>, LoadError> {
        if !self.withholds(surface, grants) {
            return Ok(self.linker(engine, kind)?.instantiate_pre(compiled));
        }
        let capabilities = self.services.capabilities();
        let linker = link_without(engine, kind, capabilities, compiled, grants);
        let linker = linker.map_err(|e| LoadError::Engine(format!("{e:#}")))?;
        Ok(linker.instantiate_pre(compiled))
    }

    /// Whether it imports what is not granted and cannot be denied by an error.
    fn withholds(&self, surface: &Surface, grants: &Grants) -> bool {
        let capabilities = self.services.capabilities();
        let mut behind = surface
            .imports
            .iter()
            .flat_map(|import| capabilities.behind(import));
        grants.mode == GrantMode::Enforce
            && behind.any(|it| !it.denies_by_error() && !it.is_granted(grants))
    }

    fn surface(&self, artifact: &Artifact) -> Result<Surface, ArtifactError> {
        if let Some(surface) = self
            .cache
            .as_ref()
            .and_then(|c| c.surface(&artifact.digest))
        {
            return Ok(surface);
        }
        let surface = artifact.surface()?;
        if let Some(cache) = &self.cache {
            cache.put_surface(&artifact.digest, &surface);
        }
        Ok(surface)
    }

    fn compile(
        &self,
        engine: &Engine,
        kind: EngineKind,
        artifact: &Artifact,
    ) -> Result<Component, LoadError> {
        if let Some(component) = self
            .cache
            .as_ref()
            .and_then(|c| c.get(engine, &artifact.digest))
        {
            return Ok(component);
        }
        let code = self.workshop.compile(engine, kind, &artifact.bytes)?;
        let component = cache::adopt(engine, &code)
            .map_err(|error| CompileError::Foreign(format!("{error:#}")))?;
        if let Some(cache) = &self.cache {
            cache.put(engine, &artifact.digest, &code);
        }
        Ok(component)
    }

    fn linker(&self, engine: &Engine, kind: EngineKind) -> Result<&Linker<Guest>, LoadError> {
        let cell = &self.linkers[kind.index()];
        if let Some(linker) = cell.get() {
            return Ok(linker);
        }
        let linker = link(engine, kind, self.services.capabilities())
            .map_err(|e| LoadError::Engine(format!("{e:#}")))?;
        Ok(cell.get_or_init(|| linker))
    }
}
