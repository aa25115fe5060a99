//! What a capability is.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;

use crate::core::{ComponentName, Grants, VersionName};
use crate::runtime::guest::{Current, Guest};
use crate::runtime::instance::Recipe;

/// One thing a guest can be granted.
pub trait Capability: Send + Sync + 'static {
    /// Its key below `[component.NAME.capabilities]`, and its label in metrics and the
    /// audit trail.
    fn name(&self) -> &'static str;

    /// What it lets a guest do, in half a line.
    fn purpose(&self) -> &'static str;

    /// The imports it stands behind: names of interfaces, or beginnings of them.
    fn imports(&self) -> &'static [&'static str];

    /// Whether anything of it is granted.
    fn is_granted(&self, grants: &Grants) -> bool;

    /// A line for `routes.toml` that grants it.
    fn example(&self) -> &'static str;

    /// Whether a guest that has it not can be told so by an error. Otherwise its functions
    /// trap when they are called.
    fn denies_by_error(&self) -> bool {
        true
    }

    /// Whether toolchains import it for every program, so that an import says little.
    fn is_usual(&self) -> bool {
        false
    }

    /// What is left of an import, in half a line, for a guest to which nothing of this is
    /// granted. `None`: nothing.
    fn remains(&self, _import: &str) -> Option<&'static str> {
        None
    }

    /// Makes its functions known. `concurrent`: for components of WASI 0.3 too.
    ///
    /// # Errors
    /// An interface is defined already.
    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()>;

    /// Puts what is granted into the context of one instance.
    fn prepare(&self, _instance: &Preparation<'_>, _wasi: &mut WasiCtxBuilder) {}

    /// Checks the value of `[component.NAME.capabilities.custom]`, for those that an
    /// embedding program adds.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator.
    fn check(&self, _grant: &Value) -> Result<(), String> {
        Ok(())
    }

    /// Whether this import belongs to it.
    fn covers(&self, import: &str) -> bool {
        self.imports().iter().any(|own| import.starts_with(own))
    }
}

/// The instance that a context is made for.
pub struct Preparation<'a> {
    pub(in crate::runtime) recipe: &'a Arc<Recipe>,
    pub(in crate::runtime) current: &'a Arc<Current>,
}

impl Preparation<'_> {
    pub fn grants(&self) -> &Grants {
        &self.recipe.reach.grants
    }

    /// Whose instance it is.
    pub fn name(&self) -> (&ComponentName, &VersionName) {
        (&self.recipe.component, &self.recipe.version)
    }
}
