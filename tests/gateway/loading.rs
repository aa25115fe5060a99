//! Components that cannot be served are refused by name and reason; the code cache is
//! believed only where it is whole.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Gate, Refusal, Setup, airgate, guest, missing, write_token};

async fn refusal(source: &Path, lines: &str) -> Refusal {
    let setup = Setup::default().component("bad", source, lines);
    match setup.try_start().await {
        Ok(_) => panic!("{} is served", source.display()),
        Err(refusal) => refusal,
    }
}

/// A file with these bytes.
fn file(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("bad.wasm");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn a_component_that_cannot_serve_is_refused_with_its_reason() {
    let unpinned = "";
    let pinned = format!("digest = \"sha256:{}\"", "0".repeat(64));
    for (name, lines, reason) in [
        (
            "core-module",
            unpinned,
            "it is a core module, not a component",
        ),
        ("no-handler", unpinned, "it exports no handler"),
        ("foreign-import", unpinned, "acme:db/query@1.0.0"),
        ("start-trap", unpinned, "it cannot be started"),
        ("hello", &*pinned, "sha256:"),
    ] {
        let refusal = refusal(&guest(name), lines).await;
        assert_eq!(refusal.status.code(), Some(3), "{name}");
        assert!(
            refusal.stderr.contains("component.bad"),
            "{}",
            refusal.stderr
        );
        assert!(
            refusal.stderr.contains(reason),
            "{name}: {}",
            refusal.stderr
        );
    }
}

#[tokio::test]
async fn bytes_that_are_no_component_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(guest("hello")).unwrap();
    let noise: Vec<u8> = (0..100_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut disguised = whole[..8].to_vec();
    disguised.extend(&noise);
    for bytes in [
        &b""[..],
        b"\0asm",
        &noise,
        &disguised,
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
    ] {
        let refusal = refusal(&file(&dir, bytes), "").await;
        assert_eq!(refusal.status.code(), Some(3), "{} bytes", bytes.len());
        assert!(
            refusal.stderr.contains("component.bad"),
            "{}",
            refusal.stderr
        );
        assert!(!refusal.stderr.contains("panic"), "{}", refusal.stderr);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_unread() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, b"\0asm");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(8 << 30)
        .unwrap();
    let refusal = refusal(&path, "").await;
    assert!(
        refusal.stderr.contains("larger than the 64MiB"),
        "{}",
        refusal.stderr
    );
}

#[tokio::test]
async fn a_file_that_is_missing_or_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none.wasm"), dir.path().to_owned()] {
        let refusal = refusal(&path, "").await;
        assert_eq!(refusal.status.code(), Some(3));
        assert!(
            refusal.stderr.contains(path.to_str().unwrap()),
            "{}",
            refusal.stderr
        );
    }
}

#[tokio::test]
async fn every_component_that_cannot_serve_is_named_at_once() {
    let refusal = Gate::serving(["hello", "core-module", "no-handler"])
        .try_start()
        .await;
    let stderr = refusal.err().expect("no start").stderr;
    assert!(stderr.contains("component.core-module"), "{stderr}");
    assert!(stderr.contains("component.no-handler"), "{stderr}");
}

/// A state directory with the compiled code of `hello` in it.
async fn warm() -> (TempDir, PathBuf) {
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    assert_eq!(complaints(state.path()).await, 0);
    let entries = std::fs::read_dir(state.path().join("code")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let is_code = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "cwasm");
    (state, paths.find(is_code).unwrap())
}

/// Serves `hello` from a state directory, which must work, and counts what the cache says.
async fn complaints(state: &Path) -> usize {
    let gate = Gate::serving(["hello"]).state(state).start().await;
    assert_eq!(gate.get("/hello").await.text(), "hello world\n");
    // What is said of the cache is said before.
    gate.log.line("airgate::access").await;
    let mut lines = gate.log.lines();
    lines.retain(|line| line.to_string().contains("code cache"));
    lines.len()
}

#[tokio::test]
async fn compiled_code_is_kept_and_used_again() {
    let (state, entry) = warm().await;
    let written = || std::fs::metadata(&entry).unwrap().modified().unwrap();
    let first = written();
    assert_eq!(complaints(state.path()).await, 0);
    assert_eq!(written(), first);
}

#[tokio::test]
async fn a_damaged_cache_entry_is_compiled_anew() {
    let (state, entry) = warm().await;
    let whole = std::fs::read(&entry).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let middle = whole.len() / 2;
    for bytes in [
        flipped(0),
        flipped(40),
        flipped(middle),
        flipped(whole.len() - 1),
        whole[..middle].to_vec(),
        whole[..10].to_vec(),
        Vec::new(),
    ] {
        std::fs::write(&entry, &bytes).unwrap();
        assert_eq!(complaints(state.path()).await, 1, "{} bytes", bytes.len());
        assert_eq!(complaints(state.path()).await, 0, "not mended");
    }
}

#[tokio::test]
async fn a_damaged_note_of_a_validation_is_validated_anew() {
    let (state, entry) = warm().await;
    let note = entry.with_file_name(
        entry
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split('-')
            .next()
            .unwrap()
            .to_owned()
            + ".surface",
    );
    let mut bytes = std::fs::read(&note).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&note, bytes).unwrap();
    assert_eq!(complaints(state.path()).await, 1);
    assert_eq!(complaints(state.path()).await, 0, "not mended");
}

#[tokio::test]
async fn code_from_another_installation_is_not_believed() {
    let ((state, entry), (other, _)) = (warm().await, warm().await);
    let foreign = other.path().join("code").join(entry.file_name().unwrap());
    std::fs::copy(foreign, &entry).unwrap();
    assert_eq!(complaints(state.path()).await, 1);
}

#[tokio::test]
async fn a_damaged_cache_key_costs_a_compilation_and_no_more() {
    let (state, _) = warm().await;
    for key in [&b""[..], b"short", &[7; 32]] {
        std::fs::write(state.path().join("cache.key"), key).unwrap();
        // The code, and what was kept of its validation.
        assert_eq!(complaints(state.path()).await, 2, "{key:?}");
        assert_eq!(complaints(state.path()).await, 0, "{key:?}");
    }
}

#[tokio::test]
async fn checks_that_run_together_share_one_cache() {
    for _ in 0..10 {
        let state = tempfile::tempdir().unwrap();
        write_token(state.path());
        let config = state.path().join("routes.toml");
        std::fs::write(&config, Gate::serving(["hello"]).state(state.path()).text()).unwrap();
        let check = || {
            let config = config.to_str().unwrap().to_owned();
            tokio::task::spawn_blocking(move || airgate(&["check", "--config", &config]))
        };
        let (one, other) = tokio::join!(check(), check());
        for checked in [one.unwrap(), other.unwrap()] {
            assert!(checked.status.success(), "{checked:?}");
        }
        assert_eq!(complaints(state.path()).await, 0);
    }
}

/// A small file system of its own.
pub struct Tiny(pub TempDir);

impl Tiny {
    /// With these options of mount(8).
    pub fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", size, "tmpfs"])
            .arg(dir.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(dir))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test]
async fn a_full_disk_costs_the_cache_and_nothing_else() {
    let Some(tiny) = Tiny::mount("size=64k") else {
        return missing("a tmpfs cannot be mounted here");
    };
    write_token(tiny.0.path());
    let gate = Gate::serving(["hello"]).state(tiny.0.path()).start().await;
    assert_eq!(gate.get("/hello").await.text(), "hello world\n");
    gate.log.line("cannot write to the code cache").await;
    // What is small enough fits.
    let mut left = std::fs::read_dir(tiny.0.path().join("code")).unwrap();
    assert!(
        left.all(|entry| entry.unwrap().path().extension().unwrap_or_default() == "surface"),
        "half an entry is left"
    );
}
