//! What the operator decided about stores.

use crate::core::ByteSize;

/// One `[storage.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSpec {
    pub backend: StoreBackend,
    /// What each component may have in it.
    pub quota: Quota,
    /// Bytes of one value.
    pub max_value: ByteSize,
}

impl Default for StoreSpec {
    fn default() -> Self {
        Self {
            backend: StoreBackend::Embedded,
            quota: Quota::default(),
            max_value: ByteSize(1 << 20),
        }
    }
}

/// Where a store keeps what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreBackend {
    /// In memory: gone with the process.
    Memory,
    /// In a file of the state directory: what was acknowledged survives `kill -9` and power loss.
    Embedded,
}

impl StoreBackend {
    /// As it is written, and the metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Embedded => "embedded",
        }
    }
}

/// What one component may have in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Of keys and values together.
    pub bytes: ByteSize,
    pub keys: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            bytes: ByteSize(64 << 20),
            keys: 100_000,
        }
    }
}

/// How a component may use a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KvAccess {
    Read,
    ReadWrite,
}
