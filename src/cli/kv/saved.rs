//! A file that is there as a whole or not at all: written beside its place, and renamed.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::admin::Failure;

/// A file on its way. Dropped, it leaves nothing behind. Its owner alone may read it.
#[derive(Debug)]
pub(super) struct Saved {
    file: NamedTempFile,
    path: PathBuf,
}

impl Saved {
    /// # Errors
    /// Nothing can be written there.
    pub fn beside(path: &Path) -> Result<Self, Failure> {
        let failed = |error| failed(path, &error);
        if path.file_name().is_none() || path.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let file = tempfile::Builder::new()
            .prefix(".airgate-")
            .tempfile_in(directory(path));
        Ok(Self {
            file: file.map_err(failed)?,
            path: path.to_owned(),
        })
    }

    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| failed(&self.path, &error))
    }

    /// Puts it in its place, where it survives a loss of power.
    ///
    /// # Errors
    /// It cannot be written; what was there before still is.
    pub fn keep(self) -> Result<(), Failure> {
        let Self { file, path } = self;
        let keep = || {
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(directory(&path))?.sync_all()
        };
        keep().map_err(|error| failed(&path, &error))
    }
}

fn directory(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Local(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let name = |it: io::Result<std::fs::DirEntry>| it.unwrap().file_name();
        entries
            .map(name)
            .map(|it| it.into_string().unwrap())
            .collect()
    }

    #[test]
    fn what_was_there_stays_until_all_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        std::fs::write(&path, "old").unwrap();
        let mut saved = Saved::beside(&path).unwrap();
        saved.write(b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        saved.keep().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let mut given_up = Saved::beside(&path).unwrap();
        given_up.write(b"half").unwrap();
        drop(given_up);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a.jsonl"]);
    }

    #[test]
    fn where_no_file_can_be_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("none/a"), "/".into()] {
            let failure = Saved::beside(&path).unwrap_err();
            assert!(failure.to_string().contains("cannot write"), "{failure}");
        }
    }
}
