//! Why kept bytes cannot be had, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::core::Digest;

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "the artifact {digest} is not kept any more ({} is missing): deploy the version again",
        path.display()
    )]
    Missing { digest: Digest, path: PathBuf },
    /// What is in its place is something else.
    #[error(
        "the kept artifact {} is damaged: its digest is {actual}; deploy the same bytes again, \
         which replaces it",
        path.display()
    )]
    Damaged { path: PathBuf, actual: Digest },
    #[error(
        "cannot read the kept artifact {}: {error}; see to the disk, or deploy the version again",
        path.display()
    )]
    Io { path: PathBuf, error: io::Error },
}
