//! The trail on disk: lines are appended to `audit.jsonl`, which becomes `audit.1.jsonl` when
//! it is full, and so on to `audit.4.jsonl`, which is replaced.
//!
//! Written lines outlive the process. They are not forced to the medium: waiting for a slow
//! one would lose more events than the failure of the machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

/// Bytes of one file.
pub(super) const FILE_SIZE: u64 = 8 << 20;
/// Full files beside the current one.
const FULL_FILES: u32 = 4;

/// The current file and its predecessors, the newest first.
pub(super) fn paths(dir: &Path) -> impl Iterator<Item = PathBuf> {
    (0..=FULL_FILES).map(|number| path(dir, number))
}

fn path(dir: &Path, number: u32) -> PathBuf {
    match number {
        0 => dir.join("audit.jsonl"),
        _ => dir.join(format!("audit.{number}.jsonl")),
    }
}

/// Makes the directory, which only its owner may read.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(dir)?;
    if fs::metadata(dir)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Appends lines.
pub(super) struct Files {
    dir: PathBuf,
    file_size: u64,
    /// `None`: to be opened, at the beginning and after an error.
    current: Option<Current>,
}

struct Current {
    file: File,
    size: u64,
    /// Its last line has no end: the process died, or the disk was full.
    is_torn: bool,
}

impl Files {
    pub fn new(dir: &Path, file_size: u64) -> Self {
        Self {
            dir: dir.to_owned(),
            file_size,
            current: None,
        }
    }

    /// Appends one line, which ends in a newline.
    ///
    /// # Errors
    /// It could not be written, or not all of it. The next line may have more luck.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => Current::open(&path(&self.dir, 0))?,
        };
        if current.size > 0 && current.size + line.len() as u64 > self.file_size {
            self.rotate()?;
            current = Current::open(&path(&self.dir, 0))?;
        }
        current.append(line)?;
        self.current = Some(current);
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        for number in (0..FULL_FILES).rev() {
            let renamed = fs::rename(path(&self.dir, number), path(&self.dir, number + 1));
            match renamed {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Current {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(path)?;
        let size = file.metadata()?.len();
        let mut last = [b'\n'];
        if size > 0 {
            file.read_exact_at(&mut last, size - 1)?;
        }
        let is_torn = last != [b'\n'];
        Ok(Self {
            file,
            size,
            is_torn,
        })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            // Else this line would be lost with the torn one.
            self.file.write_all(b"\n")?;
            self.is_torn = false;
            self.size += 1;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }
}
