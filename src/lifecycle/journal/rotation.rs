//! Exchanges a full file for a short one that leads to the same: the last record of every
//! component, as it was written. The full one is kept beside it.
//!
//! Both are complete on the medium before anything is renamed, and the current file is
//! replaced in one step, so that a crash leaves the one or the other.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Record;
use super::files::{copy, current, moves, remove_leftovers, successor};
use super::log::Log;
use crate::lifecycle::durable::sync_dir;

/// Exchanges the current file. `records` are in the order of their numbers.
///
/// # Errors
/// The current file is as it was.
pub(super) fn rotate<'a>(
    dir: &Path,
    records: impl IntoIterator<Item = &'a Record>,
) -> io::Result<Log> {
    let mut log = prepare(dir, records)?;
    for (from, to) in moves(dir) {
        fs::rename(from, to)?;
    }
    // Else a power loss could bring back the full file without what is appended from here on.
    if let Err(error) = sync_dir(dir) {
        log.refuse(&error);
    }
    Ok(log)
}

/// Writes the new file, and a copy of the full one. A copy, as not every file system can
/// give a file two names, and the current one may never be without its own.
pub(super) fn prepare<'a>(
    dir: &Path,
    records: impl IntoIterator<Item = &'a Record>,
) -> io::Result<Log> {
    remove_leftovers(dir)?;
    let log = Log::create(&successor(dir), records)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(copy(dir))?;
    io::copy(&mut File::open(current(dir))?, &mut file)?;
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(log)
}
