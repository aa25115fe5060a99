//! The full set of WASI imports, linked over a context that grants nothing.
//!
//! Toolchains import far more than a handler uses, so leaving an interface out would
//! refuse honest components; what is not granted is denied when it is called.

use wasmtime::Engine;
use wasmtime::component::Linker;

use super::engine::EngineKind;
use super::host::Host;

pub(crate) fn link(engine: &Engine, kind: EngineKind) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if kind.concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    Ok(linker)
}
