//! Why a guest does not get what it asks a store for, in words that tell nothing of the host.

use crate::core::{ByteSize, KeyError, StoreError};
use crate::runtime::bindings::core::errors::StorageError;

/// The same for every interface.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not granted, or not configured.
    NoSuchStore,
    /// Granted for reading only.
    AccessDenied,
    /// A number that no listing gave, or whose key is gone.
    Cursor,
    /// The values of one answer come to more than this.
    Answer(ByteSize),
    /// The values behind handles of one instance come to more than this.
    Handles(ByteSize),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::Store(error.into())
    }
}

impl Refusal {
    /// For interfaces that have only words.
    pub fn text(&self) -> String {
        match self {
            Self::NoSuchStore => "no such store".into(),
            Self::AccessDenied => "access denied".into(),
            Self::Cursor => "invalid key: the cursor leads nowhere, begin again".into(),
            Self::Answer(limit) => {
                format!("value too large: one answer holds at most {limit} of values")
            }
            Self::Handles(limit) => {
                format!("value too large: handles hold at most {limit}, drop some")
            }
            // What a store says of itself, paths for one, is for the log.
            Self::Store(StoreError::Corrupt(_)) => "corrupt: what is stored is damaged".into(),
            Self::Store(StoreError::Unavailable(_)) => {
                "unavailable: the store takes nothing now".into()
            }
            Self::Store(StoreError::Unknown(_)) => {
                "unknown: it is not known whether this was written, read before you try again"
                    .into()
            }
            Self::Store(error) => error.to_string(),
        }
    }
}

impl From<Refusal> for StorageError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.text();
        match refusal {
            Refusal::NoSuchStore => Self::NoSuchStore,
            Refusal::AccessDenied => Self::AccessDenied,
            Refusal::Cursor => Self::InvalidKey(text),
            Refusal::Answer(limit) | Refusal::Handles(limit) => Self::TooLarge(limit.0),
            Refusal::Store(error) => match error {
                StoreError::Key(_) => Self::InvalidKey(text),
                StoreError::TooLarge { limit, .. } => Self::TooLarge(limit.0),
                StoreError::TooMany(limit) => Self::TooLarge(limit as u64),
                StoreError::QuotaBytes { .. } | StoreError::QuotaKeys { .. } => {
                    Self::QuotaExceeded(text)
                }
                StoreError::Corrupt(_) => Self::Corrupt(text),
                StoreError::NotANumber
                | StoreError::Overflow
                | StoreError::Unavailable(_)
                | StoreError::Unknown(_)
                | StoreError::Busy => Self::Unavailable(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_reads_first_what_it_is() {
        let size = ByteSize(1);
        let (limit, wanted) = (size, size);
        for (refusal, beginning) in [
            (KeyError::Empty.into(), "invalid key"),
            (Refusal::Cursor, "invalid key"),
            (Refusal::Answer(size), "value too large"),
            (Refusal::Handles(size), "value too large"),
            (
                StoreError::TooLarge { size, limit }.into(),
                "value too large",
            ),
            (
                StoreError::QuotaBytes { wanted, limit }.into(),
                "quota exceeded",
            ),
            (StoreError::QuotaKeys { limit: 1 }.into(), "quota exceeded"),
            (StoreError::Busy.into(), "unavailable"),
        ] {
            let text = refusal.text();
            assert!(text.starts_with(beginning), "{text}");
        }
    }

    #[test]
    fn what_a_store_says_of_itself_stays_with_the_operator() {
        let inside = "/var/lib/airgate/default.redb: page 7".to_owned();
        for (error, beginning) in [
            (StoreError::Corrupt(inside.clone()), "corrupt: "),
            (StoreError::Unavailable(inside.clone()), "unavailable: "),
            (
                StoreError::Unknown(inside),
                "unknown: it is not known whether this was written",
            ),
        ] {
            let text = Refusal::from(error).text();
            assert!(text.starts_with(beginning) && !text.contains('/'), "{text}");
        }
    }
}
