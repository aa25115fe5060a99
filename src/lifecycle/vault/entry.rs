//! One file of the vault: read whole, written whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::names::TEMPORARY;
use crate::lifecycle::durable::sync_dir;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// It is not there, not a file (a link is none), or larger.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let length = length(path)?;
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("more than {limit} bytes"));
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // It may grow meanwhile.
    let file = File::open(path)?.take(limit + 1);
    if { file }.read_to_end(&mut bytes)? as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Bytes of a file.
///
/// # Errors
/// It is not there, or not a file.
pub(super) fn length(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        // A link leads elsewhere, and a pipe never ends.
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    Ok(metadata.len())
}

/// Puts a file in its place, on the medium and whole, or not at all. What was there is
/// replaced, and never written to.
///
/// # Errors
/// Those of the file system.
pub(super) fn place(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(dir.join(name))?;
    sync_dir(dir)
}
