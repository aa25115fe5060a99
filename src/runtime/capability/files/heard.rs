//! Refusals of wasmtime's own functions, reported.

use std::fmt;

use wasmtime_wasi::TrappableError;

use super::capability::NAME;
use crate::runtime::guest::Guest;

/// Reports a refusal, and takes the error apart as wasmtime's own functions do.
pub(super) fn heard<T, E: Refusal>(
    guest: &Guest,
    operation: &'static str,
    path: &str,
    result: Result<T, TrappableError<E>>,
) -> wasmtime::Result<Result<T, E>> {
    let error = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error.downcast()?,
    };
    if error.is_refusal() {
        let target = format!("{operation} {}", path.escape_debug());
        // Audit mode cannot let it through: what is not granted is not open.
        let _ = guest
            .guard()
            .deny(NAME, &target, &"not permitted there", guest.origin().id);
    }
    Ok(Err(error))
}

/// An error code of `wasi:filesystem`.
pub(super) trait Refusal: fmt::Debug + std::error::Error + Send + Sync + 'static {
    /// The path leads out, or the directory may not be written.
    fn is_refusal(&self) -> bool;
}
