//! What a child is told: one argument, written by the gateway and read by the same program.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Bounds;
use crate::runtime::engine::EngineKind;

/// The verb of a program that compiles for another process of the same program. The next
/// argument is a [`CompileOrder`]; [`super::compile_as_told`] does the rest.
pub const COMPILE_VERB: &str = "compile-component";

/// Threads of a child: those that help, and no more, for each has a stack to pay for.
pub(super) fn threads() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.min(8) as u64
}

/// What to compile for, and within what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompileOrder {
    /// Of the engine: with component-model concurrency.
    pub(super) concurrent: bool,
    /// Of the engine: fuel is counted.
    pub(super) metered: bool,
    /// Length of the component on stdin.
    pub(super) bytes: u64,
    /// Bytes of memory that may be used.
    pub(super) memory: u64,
    /// Seconds that may be computed, over all threads.
    pub(super) cpu: u64,
    /// Who gives the order; nobody else waits for the code.
    pub(super) parent: u32,
}

/// Text that is no order.
#[derive(Debug, thiserror::Error)]
#[error("this is how the gateway starts its compiler, and nothing to be typed: {0}")]
pub struct CompileOrderError(serde_json::Error);

impl CompileOrder {
    pub(super) fn new(kind: EngineKind, wasm: &[u8], bounds: Bounds) -> Self {
        // A fence behind the clock of the parent, which may be stopped.
        let cpu = (bounds.timeout.as_secs() + 1).saturating_mul(threads());
        Self {
            concurrent: kind.concurrent,
            metered: kind.metered,
            bytes: wasm.len() as u64,
            memory: bounds.memory.0,
            cpu,
            parent: std::process::id(),
        }
    }

    pub(super) fn kind(&self) -> EngineKind {
        EngineKind {
            concurrent: self.concurrent,
            metered: self.metered,
        }
    }
}

impl fmt::Display for CompileOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FromStr for CompileOrder {
    type Err = CompileOrderError;

    fn from_str(text: &str) -> Result<Self, CompileOrderError> {
        serde_json::from_str(text).map_err(CompileOrderError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ArtifactPolicy;

    #[test]
    fn an_order_survives_the_command_line() {
        for concurrent in [false, true] {
            let kind = EngineKind {
                concurrent,
                metered: !concurrent,
            };
            let bounds = Bounds::from(&ArtifactPolicy::default());
            let order = CompileOrder::new(kind, b"\0asm", bounds);
            let read: CompileOrder = order.to_string().parse().unwrap();
            assert_eq!(read, order);
            assert_eq!(read.kind(), kind);
        }
        for bad in ["", "{}", "1", "hello.wasm"] {
            assert!(bad.parse::<CompileOrder>().is_err(), "{bad}");
        }
    }
}
