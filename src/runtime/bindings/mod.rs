//! The interfaces of `wit/` that have exports, as Rust.

pub(super) mod core;
pub(super) mod messaging;
pub(super) mod wasmcloud;
