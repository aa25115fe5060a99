//! Directories as the file system knows them, whatever they are called.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The path without links and `..`, also where the end of it is not there yet.
pub(super) fn real(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        if let Ok(real) = there.canonicalize() {
            return missing.into_iter().rev().fold(real, joined);
        }
        let (Some(parent), Some(last)) = (there.parent(), there.components().next_back()) else {
            return path.to_owned();
        };
        missing.push(last);
        there = parent;
    }
}

fn joined(mut path: PathBuf, part: Component<'_>) -> PathBuf {
    match part {
        Component::ParentDir => drop(path.pop()),
        part => path.push::<&OsStr>(part.as_ref()),
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_what_is_not_there_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("there")).unwrap();
        std::os::unix::fs::symlink("there", base.join("link")).unwrap();
        for (path, expected) in [
            ("there", "there"),
            ("link", "there"),
            ("link/new/deep", "there/new/deep"),
            ("link/../new", "new"),
            ("new/../other", "other"),
        ] {
            assert_eq!(real(&base.join(path)), base.join(expected), "{path}");
        }
    }
}
