//! A touch that is not allowed, as logs and the audit trail tell it.

use std::fmt::Display;

use crate::security::text::bounded;

/// Bytes of a target that are told: a name has at most 253.
const TARGET: usize = 256;

/// What was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{capability} to {target}: {reason}")]
pub struct Denied {
    /// The key below `capabilities` that could grant it.
    pub capability: &'static str,
    /// At most 256 bytes, without control characters.
    pub target: String,
    pub reason: DenialReason,
}

impl Denied {
    pub fn new(capability: &'static str, target: impl Display, reason: DenialReason) -> Self {
        Self {
            capability,
            target: bounded(target, TARGET),
            reason,
        }
    }
}

/// Why it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DenialReason {
    #[error("no grant covers it")]
    NotGranted,
    /// Not even `*` is a grant for it: it is malformed, or an address in disguise.
    #[error("it is not the name or address of a host")]
    NotAHost,
    #[error("it is not a public address, and private_networks is not granted")]
    PrivateAddress,
    #[error("it is the gateway's own admin listener, which no grant reaches")]
    AdminListener,
}

impl DenialReason {
    /// Refused also in audit mode, which lets through everything else.
    pub fn is_absolute(self) -> bool {
        self == Self::AdminListener
    }
}
