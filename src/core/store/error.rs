//! What can keep a store from doing what it is asked.

use super::KeyError;
use crate::core::ByteSize;

/// Why nothing was read or written; or, of one kind, that nobody can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("invalid key: {0}")]
    Key(#[from] KeyError),
    #[error("value too large: it has {size}, at most {limit} are taken")]
    TooLarge { size: ByteSize, limit: ByteSize },
    #[error("too many keys at once: at most {0} are taken")]
    TooMany(usize),
    #[error("quota exceeded: {limit} are granted, and this would make {wanted}")]
    QuotaBytes { wanted: ByteSize, limit: ByteSize },
    #[error("quota exceeded: {limit} keys are granted")]
    QuotaKeys { limit: u64 },
    /// Incrementing what is no decimal number of 64 bits.
    #[error("not a number: the value cannot be incremented")]
    NotANumber,
    #[error("the number would leave the range of 64 bits")]
    Overflow,
    /// What is stored is damaged: it is not shown, and nothing is written over it.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The disk is full, or cannot be written; nothing was changed.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The write was under way when the disk, or the way there, failed. Only who reads again can
    /// tell what became of it.
    #[error("unknown: it is not known whether this was written, read before you try again: {0}")]
    Unknown(String),
    /// More writes wait than the store takes; nothing was changed.
    #[error("unavailable: too many writes wait")]
    Busy,
}

impl StoreError {
    /// The metric label: from a closed set.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Key(_) => "invalid_key",
            Self::TooLarge { .. } | Self::TooMany(_) => "too_large",
            Self::QuotaBytes { .. } | Self::QuotaKeys { .. } => "quota",
            Self::NotANumber | Self::Overflow => "not_a_number",
            Self::Corrupt(_) => "corrupt",
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
            Self::Busy => "busy",
        }
    }
}
