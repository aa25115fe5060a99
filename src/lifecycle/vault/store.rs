//! Artifacts on disk under their digests: immutable, and the same bytes only once.
//!
//! Nothing that comes out is believed for its name: the digest is taken again of exactly the
//! bytes that are returned. Nothing outside the directory is read or written, and names
//! that the vault does not give are left alone. Bounded by `collect`.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, TryLockError};

use super::VaultError;
use super::entry::{length, place, read};
use super::names::{Kind, TEMPORARY, name, parse};
use crate::core::Digest;
use crate::lifecycle::durable::{make_dir, sync_dir};
use crate::security::verify;

/// Bytes of one artifact; what may be deployed is bounded far below.
const LARGEST: u64 = 1 << 30;
/// Bytes of one signature.
const LONGEST_SIGNATURE: u64 = 64 << 10;

/// The artifacts of one state directory. All of it blocks.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    /// Held to write while what nobody writes any more is removed.
    writing: RwLock<()>,
}

impl Vault {
    /// The artifacts in `dir`, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        make_dir(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            writing: RwLock::default(),
        })
    }

    /// Keeps the bytes that have this digest. Afterwards they outlive a power loss. A
    /// damaged entry is replaced, and a whole one is left alone.
    ///
    /// # Errors
    /// They have another digest, are larger than 1 GiB, or cannot be written. What was kept
    /// before is kept still.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let refused = |text| io::Error::new(ErrorKind::InvalidData, text);
        verify(bytes, Some(*digest)).map_err(|mismatch| refused(mismatch.to_string()))?;
        if bytes.len() as u64 > LARGEST {
            return Err(refused(format!("it is larger than {LARGEST} bytes")));
        }
        let _writing = self.writing.read().unwrap_or_else(PoisonError::into_inner);
        if self.holds(digest, bytes) {
            // Whoever placed it may not have come to this yet.
            return sync_dir(&self.dir);
        }
        place(&self.dir, &name(digest, Kind::Artifact), bytes)
    }

    /// Reads the artifact once, and returns those bytes if they have the digest.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is damaged.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, VaultError> {
        let path = self.path(digest, Kind::Artifact);
        let bytes = match read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let digest = *digest;
                return Err(VaultError::Missing { digest, path });
            }
            Err(error) => return Err(VaultError::Io { path, error }),
        };
        match verify(&bytes, Some(*digest)) {
            Ok(_) => Ok(bytes),
            Err(mismatch) => Err(VaultError::Damaged {
                path,
                actual: mismatch.actual,
            }),
        }
    }

    /// Whether an entry is there; whether it is whole only `get` tells.
    pub fn contains(&self, digest: &Digest) -> bool {
        length(&self.path(digest, Kind::Artifact)).is_ok()
    }

    /// Keeps the signature of an artifact, in place of one that is there.
    ///
    /// # Errors
    /// It is longer than 64 KiB, or cannot be written.
    pub fn put_signature(&self, digest: &Digest, text: &str) -> io::Result<()> {
        if text.len() as u64 > LONGEST_SIGNATURE {
            let text = format!("a signature is at most {LONGEST_SIGNATURE} bytes long");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        let _writing = self.writing.read().unwrap_or_else(PoisonError::into_inner);
        let name = name(digest, Kind::Signature);
        place(&self.dir, &name, text.as_bytes())
    }

    /// The signature that was kept, which is not verified; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no text.
    pub fn get_signature(&self, digest: &Digest) -> io::Result<Option<String>> {
        match read(&self.path(digest, Kind::Signature), LONGEST_SIGNATURE) {
            Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the artifacts and signatures that are not in `keep`, and what a crash left
    /// half written. Returns the artifacts that are gone, in their order; what cannot be
    /// removed is logged and stays.
    ///
    /// `keep` must be as new as the last `put`, or that is removed too.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn collect(&self, keep: &HashSet<Digest>) -> io::Result<Vec<Digest>> {
        let _collecting = match self.writing.try_write() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody writes; the next collection finds the same.
            Err(TryLockError::WouldBlock) => return Ok(Vec::new()),
        };
        let mut gone = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let kept = parse(name);
            let is_surplus = match &kept {
                Some((digest, _)) => !keep.contains(digest),
                // Nobody writes now.
                None => name.starts_with(TEMPORARY),
            };
            if is_surplus && remove(&entry.path()) {
                gone.extend(kept.filter(|(_, kind)| *kind == Kind::Artifact));
            }
        }
        sync_dir(&self.dir)?;
        let mut gone: Vec<_> = gone.into_iter().map(|(digest, _)| digest).collect();
        gone.sort_unstable();
        Ok(gone)
    }

    fn path(&self, digest: &Digest, kind: Kind) -> PathBuf {
        self.dir.join(name(digest, kind))
    }

    /// Whether the entry is there and whole.
    fn holds(&self, digest: &Digest, bytes: &[u8]) -> bool {
        let path = self.path(digest, Kind::Artifact);
        length(&path).is_ok_and(|length| length == bytes.len() as u64)
            && read(&path, bytes.len() as u64).is_ok_and(|kept| kept == bytes)
    }
}

/// A link is removed itself, and not what it leads to.
fn remove(path: &Path) -> bool {
    let removed = fs::remove_file(path);
    if let Err(error) = &removed {
        tracing::warn!(path = %path.display(), %error, "cannot remove from the vault");
    }
    removed.is_ok()
}
