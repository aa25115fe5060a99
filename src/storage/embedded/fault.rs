//! What redb can answer but data, and what it may do on damaged files: panic.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use super::haste::Stopped;
use crate::core::StoreError;

/// Why redb could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The file is not what redb wrote.
    #[error("{0}")]
    Damaged(String),
    /// Written by another version.
    #[error("{0}")]
    Foreign(String),
    /// The disk does not read or write: it may again.
    #[error("{0}")]
    Disk(String),
    /// Somebody else has the file.
    #[error("the file is in use by another process")]
    InUse,
    /// This view belongs to a file that has been closed since.
    #[error("the file has been closed")]
    Closed,
    /// More is to be read than may be read where it was asked for.
    #[error("too much to be read at once")]
    Large,
}

/// What ends a job: its own refusal, or a fault, which ends all that are written with it.
#[derive(Debug)]
pub(super) enum Trouble {
    Refused(StoreError),
    Fault(Fault),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl<F: Into<Fault>> From<F> for Trouble {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// Runs what touches redb. A panic in it is damage: redb trusts its files.
pub(super) fn contain<T, E: From<Fault>>(run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        if panic.is::<Stopped>() {
            return Err(Fault::Large.into());
        }
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("no text");
        Err(Fault::Damaged(format!("the file cannot be understood ({text})")).into())
    })
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => error.into(),
            StorageError::PreviousIo => Self::Disk("an earlier error of the disk".into()),
            StorageError::DatabaseClosed => Self::Closed,
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // What is missing at the end of a file, and what redb says of foreign files.
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Disk(error.to_string()),
        }
    }
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<TransactionError> for Fault {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse,
            DatabaseError::UpgradeRequired(version) => Self::Foreign(format!(
                "the file has version {version} of redb's format, which this Airgate does not read"
            )),
            error => Self::Damaged(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_damage_and_says_what_it_said() {
        let panics = || -> Result<(), Fault> { panic!("index {} out of bounds", 7) };
        let Err(Fault::Damaged(text)) = contain(panics) else {
            panic!("not contained");
        };
        assert!(text.contains("index 7 out of bounds"), "{text}");
    }
}
