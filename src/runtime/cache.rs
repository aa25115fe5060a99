//! Compiled code on disk, so that a restart does not compile again.
//!
//! Deserialising compiled code is running it, so an entry is believed only when it
//! carries a keyed hash made by this installation over its bytes, the component's digest
//! and the engine's settings. A damaged, truncated or foreign entry is compiled anew.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::artifact::Surface;
use super::compiler::CompiledCode;
use crate::core::Digest;
use crate::security::place_secret;

const KEY_FILE: &str = "cache.key";
const KEY_SIZE: usize = 32;
const MAC_SIZE: usize = 32;

/// A directory of compiled components that only this installation has written.
pub struct CodeCache {
    dir: PathBuf,
    key: [u8; KEY_SIZE],
}

impl CodeCache {
    /// Opens or makes `state_dir/code` and the secret key beside it.
    ///
    /// # Errors
    /// The directory cannot be made, or the key neither read nor written.
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        let dir = state_dir.join("code");
        fs::create_dir_all(&dir)?;
        let key = read_or_make_key(&state_dir.join(KEY_FILE))?;
        Ok(Self { dir, key })
    }

    /// The compiled component, if an entry is there and whole.
    pub(crate) fn get(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let identity = Identity::new(engine, digest);
        let entry = fs::read(self.path(&identity)).ok()?;
        let Some((mac, code)) = entry.split_at_checked(MAC_SIZE) else {
            tracing::warn!(%digest, "code cache entry is truncated; compiling again");
            return None;
        };
        // blake3's hashes compare in constant time.
        if self.mac(&identity, code) != *<&[u8; MAC_SIZE]>::try_from(mac).ok()? {
            tracing::warn!(%digest, "code cache entry is damaged or foreign; compiling again");
            return None;
        }
        match load(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%digest, %error, "code cache entry is of another wasmtime; compiling again");
                None
            }
        }
    }

    /// Keeps compiled code. Readers see the whole entry or none; of several writers
    /// the last one wins with the same bytes.
    pub(crate) fn put(&self, engine: &Engine, digest: &Digest, code: &CompiledCode) {
        let identity = Identity::new(engine, digest);
        let mac = self.mac(&identity, code.bytes());
        if let Err(error) = self.place(mac, code.bytes(), self.path(&identity)) {
            tracing::warn!(%digest, %error, "cannot write to the code cache; the next start compiles again");
        }
    }

    /// Removes everything that was made of these artifacts. What cannot be removed is in
    /// nobody's way.
    pub(crate) fn remove(&self, artifacts: &[Digest]) {
        let names: Vec<_> = artifacts.iter().map(Digest::hex).collect();
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries {
            let file = entry.file_name();
            let is_gone = |name: &String| file.to_str().is_some_and(|it| it.starts_with(name));
            if names.iter().any(is_gone) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// What a valid component shows of itself, if it is kept and whole: then it need not
    /// be validated again, which takes longer than loading its code.
    pub(crate) fn surface(&self, digest: &Digest) -> Option<Surface> {
        let entry = fs::read(self.surface_path(digest)).ok()?;
        let (mac, json) = entry.split_at_checked(MAC_SIZE)?;
        if self.surface_mac(digest, json) != *<&[u8; MAC_SIZE]>::try_from(mac).ok()? {
            tracing::warn!(%digest, "code cache entry is damaged or foreign; validating again");
            return None;
        }
        serde_json::from_slice(json).ok()
    }

    /// Keeps what was read off a component that has been validated.
    pub(crate) fn put_surface(&self, digest: &Digest, surface: &Surface) {
        let written = serde_json::to_vec(surface)
            .map_err(io::Error::other)
            .and_then(|json| {
                self.place(
                    self.surface_mac(digest, &json),
                    &json,
                    self.surface_path(digest),
                )
            });
        if let Err(error) = written {
            tracing::warn!(%digest, %error, "cannot write to the code cache; the next start validates again");
        }
    }

    fn surface_path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}.surface", digest.hex()))
    }

    fn surface_mac(&self, digest: &Digest, json: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        // No entry of one sort may pass for one of the other, or of another version.
        mac.update(concat!("surface ", env!("CARGO_PKG_VERSION"), "\0").as_bytes());
        mac.update(digest.as_bytes());
        mac.update(json);
        mac.finalize()
    }

    fn place(&self, mac: blake3::Hash, content: &[u8], path: PathBuf) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(mac.as_bytes())?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, identity: &Identity) -> PathBuf {
        self.dir.join(format!(
            "{}-{:016x}.cwasm",
            identity.digest.hex(),
            identity.engine
        ))
    }

    fn mac(&self, identity: &Identity, code: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(identity.digest.as_bytes());
        mac.update(&identity.engine.to_le_bytes());
        // Code of tens of megabytes: one core alone would take most of a start.
        mac.update_rayon(code);
        mac.finalize()
    }
}

/// What an entry is for: these bytes on an engine with these settings.
struct Identity {
    digest: Digest,
    engine: u64,
}

impl Identity {
    fn new(engine: &Engine, digest: &Digest) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Self {
            digest: *digest,
            engine: hasher.finish(),
        }
    }
}

/// What was compiled just now.
///
/// # Errors
/// It is of another program than this one.
pub(crate) fn adopt(engine: &Engine, code: &CompiledCode) -> wasmtime::Result<Component> {
    load(engine, code.bytes())
}

/// The only unsafe code of the house.
#[allow(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "the one place; see SAFETY"
)]
fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are in memory of our own, and either carry a valid keyed hash, so
    // this installation compiled them from a component, and nobody changed them since; or
    // they are a `CompiledCode`, which only `runtime/compiler` makes: this process compiled
    // them, or a child that runs our own program did, from a component that we gave it,
    // and came to its good end after the last of them.
    unsafe { Component::deserialize(engine, code) }
}

/// Of several processes that start at once one makes the key, and the others take it.
fn read_or_make_key(path: &Path) -> io::Result<[u8; KEY_SIZE]> {
    let damaged = match read_key(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
        read => return read,
    };
    let mut key = [0; KEY_SIZE];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    place_secret(path, &key, damaged)?;
    read_key(path)
}

fn read_key(path: &Path) -> io::Result<[u8; KEY_SIZE]> {
    let mut key = [0; KEY_SIZE];
    fs::File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(KEY_FILE);
        let key = read_or_make_key(&path).unwrap();
        assert_eq!(read_or_make_key(&path).unwrap(), key);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_half_written_key_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(KEY_FILE);
        fs::write(&path, b"short").unwrap();
        let key = read_or_make_key(&path).unwrap();
        assert_eq!(read_or_make_key(&path).unwrap(), key);
    }

    #[test]
    fn who_opens_at_once_gets_the_same_key() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(KEY_FILE);
            let keys = std::thread::scope(|scope| {
                let open = |_| scope.spawn(|| read_or_make_key(&path).unwrap());
                let opened: Vec<_> = (0..4).map(open).collect();
                opened
                    .into_iter()
                    .map(|key| key.join().unwrap())
                    .collect::<Vec<_>>()
            });
            assert!(keys.iter().all(|key| *key == read_key(&path).unwrap()));
            let files = fs::read_dir(dir.path()).unwrap().count();
            assert_eq!(files, 1, "a key that lost is left");
        }
    }
}
