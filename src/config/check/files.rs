//! What is outside of the file: its directory, other files, the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::read::{At, Problems};
use crate::config::text::FilePath;
use crate::core::BusSpec;

use super::security::Security;

/// Where a file stands, and what it may refer to.
pub(in crate::config) struct Surroundings<'a> {
    /// The file, absolute.
    pub file: &'a Path,
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The capabilities that the program adds.
    pub customs: &'a [&'a str],
}

/// What lies around a file, and what the file itself says about it.
pub(super) struct Premises<'a> {
    /// Absolute; not necessarily there yet.
    pub state_dir: &'a Path,
    pub security: &'a Security,
    pub bus: &'a BusSpec,
    /// How long a stopping server waits.
    pub drain_timeout: Duration,
    pub around: &'a Surroundings<'a>,
}

impl Surroundings<'_> {
    /// Paths are relative to the file.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        let directory = self.file.parent().unwrap_or(Path::new("/"));
        // Without `.` parts a path reads as it would be typed.
        directory.join(path).components().collect()
    }

    /// A path that must be a file now; reading it is somebody else's.
    pub fn existing_file(&self, path: &At<FilePath>, problems: &mut Problems<'_>) -> PathBuf {
        let resolved = self.resolve(&path.0);
        match std::fs::metadata(&resolved) {
            Ok(found) if found.is_dir() => {
                problems.error(&path.place, format!("{} is a directory", path.0.display()));
            }
            Ok(_) => {}
            Err(error) => missing(path, &resolved, &error, problems),
        }
        resolved
    }

    /// A path that must be a directory now.
    pub fn existing_directory(&self, path: &At<FilePath>, problems: &mut Problems<'_>) -> PathBuf {
        let resolved = self.resolve(&path.0);
        match std::fs::metadata(&resolved) {
            Ok(found) if !found.is_dir() => {
                problems.error(
                    &path.place,
                    format!("{} is not a directory", path.0.display()),
                );
            }
            Ok(_) => {}
            Err(error) => missing(path, &resolved, &error, problems),
        }
        resolved
    }
}

fn missing(
    path: &At<FilePath>,
    resolved: &Path,
    error: &std::io::Error,
    problems: &mut Problems<'_>,
) {
    let written = path.0.display();
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => format!("{written} does not exist"),
        _ => format!("{written} cannot be read: {error}"),
    };
    problems
        .error(&path.place, message)
        .help(format!("looked for {}", resolved.display()));
}
