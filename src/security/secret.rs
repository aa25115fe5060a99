//! Secrets that are made once and kept in a file only their owner can read.

use std::io::{self, Write as _};
use std::path::Path;

/// Places a secret, whole or not at all. Of several processes that start at once one wins,
/// and nobody's secret is replaced, unless `damaged` says that what is there is none.
///
/// # Errors
/// The file cannot be written.
pub fn place_secret(path: &Path, secret: &[u8], damaged: bool) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(secret)?;
    file.as_file().sync_all()?;
    let placed = if damaged {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    match placed {
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        placed => placed.map(drop).map_err(Into::into),
    }
}
