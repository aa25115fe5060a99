//! Directories that are still there after a power loss, with the names that were put in them.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Makes a directory that only its owner may enter, and those above it.
///
/// # Errors
/// It cannot be made, or something else has its name.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let made = make_private(dir);
    let made = match (made, parent(dir)) {
        (Err(error), Some(above)) if error.kind() == ErrorKind::NotFound => {
            make_dirs_above(above)?;
            make_private(dir)
        }
        (made, _) => made,
    };
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
        made => made?,
    }
    parent(dir).map_or(Ok(()), sync_dir)
}

fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

/// Each is made known to the one above it: what is kept below is worth nothing otherwise.
fn make_dirs_above(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = parent(dir) {
        make_dirs_above(above)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
        made => made?,
    }
    parent(dir).map_or(Ok(()), sync_dir)
}

fn parent(dir: &Path) -> Option<&Path> {
    match dir.parent()? {
        above if above.as_os_str().is_empty() => Some(Path::new(".")),
        above => Some(above),
    }
}

/// Brings to the medium which names a directory holds. A renamed file is in its place after
/// a power loss only once this has returned.
///
/// # Errors
/// Those of the file system; what was renamed may then be undone by a power loss.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn directories_are_made_once_and_the_last_is_private() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b/c");
        make_dir(&dir).unwrap();
        make_dir(&dir).unwrap();
        let mode = fs::metadata(&dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_the_place_of_a_directory_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(make_dir(&file).is_err());
        assert!(make_dir(&file.join("below")).is_err());
    }
}
