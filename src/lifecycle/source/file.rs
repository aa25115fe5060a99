//! Artifacts and signatures in files. Only files: a pipe or a device may never answer, or never
//! end.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::SourceError;
use crate::core::ByteSize;

/// Reads an artifact of at most `limit` bytes. Blocks.
///
/// # Errors
/// It cannot be read, is no file, or is too large.
pub fn read_path(path: &Path, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
    read(path, "a component", limit)
}

/// As [`read_path`], of `what`, on a thread that may block.
pub(super) async fn read_aside(
    path: PathBuf,
    what: &'static str,
    limit: ByteSize,
) -> Result<Vec<u8>, SourceError> {
    let reading = tokio::task::spawn_blocking(move || read(&path, what, limit));
    reading.await.map_err(|_| SourceError::Interrupted)?
}

fn read(path: &Path, what: &'static str, limit: ByteSize) -> Result<Vec<u8>, SourceError> {
    let failed = |error| SourceError::Read {
        path: path.to_owned(),
        error,
    };
    let file = open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile {
            path: path.to_owned(),
        });
    }
    let too_large = || SourceError::TooLarge {
        place: path.display().to_string(),
        what,
        limit,
    };
    if metadata.len() > limit.0 {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // One byte more than the limit: the file may grow meanwhile.
    file.take(limit.0.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match bytes.len() as u64 > limit.0 {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// Without waiting: opening a pipe waits for its other end. What was opened is looked at
/// afterwards, so nobody can exchange it in between.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        std::fs::write(&path, [7; 1_000]).unwrap();
        assert_eq!(read_path(&path, ByteSize(1_000)).unwrap(), [7; 1_000]);
        let error = read_path(&path, ByteSize(999)).unwrap_err().to_string();
        let said = " is larger than the 999 that a component may have";
        assert!(error.ends_with(said), "{error}");
    }

    #[test]
    fn a_file_that_tells_no_size_is_read_to_the_limit() {
        let path = Path::new("/proc/self/status");
        assert!(!read_path(path, ByteSize(64 << 10)).unwrap().is_empty());
        let error = read_path(path, ByteSize(10)).unwrap_err();
        assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn devices_directories_and_pipes_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
        for path in [Path::new("/dev/zero"), dir.path(), &pipe] {
            let error = read_path(path, ByteSize(1_000)).unwrap_err();
            assert!(matches!(error, SourceError::NotAFile { .. }), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_path(Path::new("/nonexistent"), ByteSize(1)).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("cannot read /nonexistent: "), "{said}");
    }
}
