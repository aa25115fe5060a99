//! The files of a journal: `journal`, and its predecessors `journal.1` to `journal.4`, the
//! newest first. What a rotation was still writing when the process died has other names.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Full files that are kept, for people and for the history.
const KEPT: u32 = 4;

/// What is appended to.
pub(super) fn current(dir: &Path) -> PathBuf {
    dir.join("journal")
}

/// What is about to be the current file.
pub(super) fn successor(dir: &Path) -> PathBuf {
    dir.join("journal.new")
}

/// A copy of the current file, which is about to be kept.
pub(super) fn copy(dir: &Path) -> PathBuf {
    dir.join("journal.old")
}

fn kept(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("journal.{number}"))
}

/// The predecessors, the newest first; not all need be there.
pub(super) fn predecessors(dir: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=KEPT).map(move |number| kept(dir, number))
}

/// The renames of a rotation, in their order. After each of them the current file is whole.
pub(super) fn moves(dir: &Path) -> Vec<(PathBuf, PathBuf)> {
    let shift = |number| (kept(dir, number), kept(dir, number + 1));
    let shifts = (1..KEPT).rev().map(shift);
    let shifts = shifts.filter(|(from, _)| from.exists());
    let last = [(copy(dir), kept(dir, 1)), (successor(dir), current(dir))];
    shifts.chain(last).collect()
}

/// Removes what a rotation left that was cut short.
pub(super) fn remove_leftovers(dir: &Path) -> io::Result<()> {
    for path in [successor(dir), copy(dir)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
