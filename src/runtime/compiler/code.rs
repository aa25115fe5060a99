//! Native code that was made here.

use wasmtime::Engine;

use super::error::CompileError;

/// Code that this process has compiled, or a child that runs our own program, from bytes
/// that this process holds. Nothing outside this module makes one, so that it is proof
/// enough to run it.
pub(crate) struct CompiledCode(Vec<u8>);

impl CompiledCode {
    pub(super) fn of_child(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Compiles without any bound.
    pub(super) fn of_this_process(engine: &Engine, wasm: &[u8]) -> Result<Self, CompileError> {
        engine
            .precompile_component(wasm)
            .map(Self)
            .map_err(|error| CompileError::Component(format!("{error:#}")))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
