//! Everything a component can import: what is harmless, and every capability.
//!
//! Toolchains import far more than a handler uses, so leaving an interface out would
//! refuse honest components; what is not granted is denied when it is called.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::capability::{Capabilities, link_base, stub_out};
use super::engine::EngineKind;
use super::guest::Guest;
use crate::core::Grants;

/// For components whose every import can be linked as it is.
pub(crate) fn link(
    engine: &Engine,
    kind: EngineKind,
    capabilities: &Capabilities,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    link_base(&mut linker, kind.concurrent)?;
    for capability in capabilities.iter() {
        capability.link(&mut linker, kind.concurrent)?;
    }
    Ok(linker)
}

/// For a component from which a capability is withheld whose functions cannot fail: they
/// trap instead.
pub(crate) fn link_without(
    engine: &Engine,
    kind: EngineKind,
    capabilities: &Capabilities,
    component: &Component,
    grants: &Grants,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    link_base(&mut linker, kind.concurrent)?;
    for capability in capabilities.iter() {
        if capability.denies_by_error() || capability.is_granted(grants) {
            capability.link(&mut linker, kind.concurrent)?;
        }
    }
    stub_out(&mut linker, engine, component, capabilities, grants)?;
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::HostBounds;
    use crate::runtime::Engines;

    #[test]
    fn every_interface_is_linked_once_in_every_engine() {
        let engines = Engines::start(HostBounds::default()).unwrap();
        for (concurrent, metered) in [(false, false), (true, false)] {
            let kind = EngineKind {
                concurrent,
                metered,
            };
            let engine = engines.get(kind).unwrap();
            link(engine, kind, &Capabilities::standard()).unwrap();
        }
    }
}
