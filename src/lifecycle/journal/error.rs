//! Why a journal cannot be opened, and what to do about it.

use std::io;
use std::path::PathBuf;

const WAY_OUT: &str = "move the file away, and the node starts from the configuration alone; \
                       versions that were deployed are still in the vault";

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line was changed, removed, or never belonged there.
    #[error(
        "the journal {} is damaged in line {line}, which begins at byte {byte}: bring back a copy of it, or {WAY_OUT}",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 0.
        byte: u64,
    },
    /// A line is whole, but says what this version has no words for.
    #[error(
        "the journal {} was written by another version of Airgate, which line {line} shows ({error}): start that one, or {WAY_OUT}",
        path.display()
    )]
    Foreign {
        path: PathBuf,
        line: u64,
        error: serde_json::Error,
    },
    #[error("cannot open the journal {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}
