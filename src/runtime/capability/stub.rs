//! Imports of a capability that is not granted and cannot say so by an error: they link,
//! and trap when they are called.

use std::collections::HashSet;

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{AsContext as _, Engine};

use super::Capabilities;
use crate::core::Grants;
use crate::runtime::guest::Guest;

/// A handle of an interface that is not there. None is ever made.
struct Nothing;

/// Defines what `component` imports of the capabilities that `grants` leave out.
pub(in crate::runtime) fn stub_out(
    linker: &mut Linker<Guest>,
    engine: &Engine,
    component: &Component,
    capabilities: &Capabilities,
    grants: &Grants,
) -> wasmtime::Result<()> {
    let ty = component.component_type();
    // What an interface borrows from one before it (`use`) is defined there.
    let mut resources = HashSet::new();
    for (import, item) in ty.imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        let mut behind = capabilities.behind(import);
        let denied = behind.find(|it| !it.denies_by_error() && !it.is_granted(grants));
        if let Some(capability) = denied {
            let mut instance = linker.instance(import)?;
            let stub = Stub {
                capability: capability.name(),
                import,
                defined: &resources,
            };
            stub.define(&mut instance, engine, &interface)?;
        }
        let exports = interface.exports(engine);
        let named = exports.filter(|(_, item)| matches!(item.ty, ComponentItem::Resource(_)));
        resources.extend(named.map(|(name, _)| name.to_owned()));
    }
    Ok(())
}

/// An interface whose functions all trap.
struct Stub<'a> {
    capability: &'static str,
    import: &'a str,
    /// Resources of the interfaces before it.
    defined: &'a HashSet<String>,
}

impl Stub<'_> {
    fn define(
        &self,
        linker: &mut LinkerInstance<'_, Guest>,
        engine: &Engine,
        interface: &ComponentInstance,
    ) -> wasmtime::Result<()> {
        for (name, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(function) => {
                    let denial = self.denial(name);
                    if function.async_() {
                        linker.func_new_concurrent(name, move |guest, _, _, _| {
                            let denied = guest.with(|mut access| denial(access.get()));
                            Box::pin(async move { Err(denied) })
                        })?;
                    } else {
                        linker.func_new(name, move |store, _, _, _| {
                            Err(denial(store.as_context().data()))
                        })?;
                    }
                }
                ComponentItem::Resource(_) if !self.defined.contains(name) => {
                    linker.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What happens when one of the functions is called.
    fn denial(&self, function: &str) -> impl Fn(&Guest) -> wasmtime::Error + Send + Sync + 'static {
        let (capability, target) = (self.capability, format!("{}#{function}", self.import));
        move |guest| {
            let (guard, request) = (guest.guard(), guest.origin().id);
            let _ = guard.deny(capability, &target, &"not granted", request);
            let message = format!("{target} was called, but `{capability}` is not granted");
            wasmtime::Error::msg(message)
        }
    }
}
