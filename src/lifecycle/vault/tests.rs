use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::{Vault, VaultError};
use crate::core::Digest;
use crate::lifecycle::small_disk::on_small_disk;
use crate::security::digest;

struct Place {
    dir: tempfile::TempDir,
    vault: Vault,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&dir.path().join("artifacts")).unwrap();
        Self { dir, vault }
    }

    fn put(&self, bytes: &[u8]) -> Digest {
        let digest = digest(bytes);
        self.vault.put(&digest, bytes).unwrap();
        digest
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("artifacts").join(name)
    }

    fn artifact(&self, digest: &Digest) -> PathBuf {
        self.path(format!("{}.wasm", digest.hex()))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn what_is_put_comes_out_and_is_there_after_a_restart() {
    let place = Place::new();
    let digest = place.put(b"component");
    assert!(place.vault.contains(&digest));
    let vault = Vault::open(&place.path("")).unwrap();
    assert_eq!(vault.get(&digest).unwrap(), b"component");
    assert_eq!(place.names(), [format!("{}.wasm", digest.hex())]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.path("")), 0o700);
    assert_eq!(mode(place.artifact(&digest)), 0o600);
}

#[test]
fn bytes_of_another_digest_are_refused() {
    let place = Place::new();
    let other = digest(b"other");
    let error = place.vault.put(&other, b"component").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(!place.vault.contains(&other));
    assert!(place.names().is_empty());
}

#[test]
fn a_missing_artifact_says_what_to_do() {
    let place = Place::new();
    let error = place.vault.get(&digest(b"nobody")).unwrap_err();
    assert!(matches!(error, VaultError::Missing { .. }));
    assert!(error.to_string().ends_with("deploy the version again"));
}

#[test]
fn a_damaged_artifact_is_not_served_and_the_next_put_repairs_it() {
    let place = Place::new();
    let digest = place.put(b"component");
    for damage in [&b"Component"[..], b"compon", b"component and more", b""] {
        fs::write(place.artifact(&digest), damage).unwrap();
        let error = place.vault.get(&digest).unwrap_err();
        assert!(matches!(error, VaultError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("deploy the same bytes again"));
        place.put(b"component");
        assert_eq!(place.vault.get(&digest).unwrap(), b"component");
    }
}

#[test]
fn a_whole_artifact_is_not_written_again() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::new();
    let digest = place.put(b"component");
    let inode = || fs::metadata(place.artifact(&digest)).unwrap().ino();
    let before = inode();
    place.put(b"component");
    assert_eq!(inode(), before);
}

#[test]
fn a_link_is_neither_read_nor_written_through() {
    let place = Place::new();
    let outside = place.dir.path().join("outside");
    fs::write(&outside, b"component").unwrap();
    let digest = digest(b"component");
    symlink(&outside, place.artifact(&digest)).unwrap();
    assert!(!place.vault.contains(&digest));
    let error = place.vault.get(&digest).unwrap_err();
    assert!(matches!(error, VaultError::Io { .. }), "{error}");

    fs::write(&outside, b"private").unwrap();
    place.put(b"component");
    assert_eq!(place.vault.get(&digest).unwrap(), b"component");
    assert_eq!(fs::read(&outside).unwrap(), b"private");
}

#[test]
fn what_never_ends_is_not_read() {
    let place = Place::new();
    let digest = digest(b"component");
    symlink("/dev/zero", place.artifact(&digest)).unwrap();
    assert!(place.vault.get(&digest).is_err());
    fs::remove_file(place.artifact(&digest)).unwrap();
    let huge = fs::File::create(place.artifact(&digest)).unwrap();
    huge.set_len(1 << 40).unwrap();
    let error = place.vault.get(&digest).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
}

#[test]
fn collection_removes_the_rest_and_nothing_that_is_not_ours() {
    let place = Place::new();
    let (kept, old, older) = (place.put(b"kept"), place.put(b"old"), place.put(b"older"));
    for digest in [&kept, &old] {
        place.vault.put_signature(digest, "signature").unwrap();
    }
    let outside = place.dir.path().join("outside");
    fs::write(&outside, "private").unwrap();
    let link = digest(b"a link");
    symlink(&outside, place.artifact(&link)).unwrap();
    fs::write(place.path(".put-Xy12ab"), "half of it").unwrap();
    let foreign = ["README", "deadbeef.wasm", ".hidden", "x.sig"];
    for name in foreign {
        fs::write(place.path(name), "theirs").unwrap();
    }
    let directory = format!("{}.wasm", digest(b"a directory").hex());
    fs::create_dir(place.path(&directory)).unwrap();

    let gone = place.vault.collect(&HashSet::from([kept])).unwrap();
    let mut expected = [old, older, link];
    expected.sort();
    assert_eq!(gone, expected);
    let hex = kept.hex();
    let mut names = [&foreign[..], &[&directory]].concat();
    let ours = [format!("{hex}.wasm"), format!("{hex}.sig")];
    names.extend(ours.iter().map(String::as_str));
    names.sort_unstable();
    assert_eq!(place.names(), names);
    assert_eq!(place.vault.get(&kept).unwrap(), b"kept");
    assert_eq!(fs::read(&outside).unwrap(), b"private");
    assert!(
        place
            .vault
            .collect(&HashSet::from([kept]))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn signatures_are_kept_replaced_and_bounded() {
    let place = Place::new();
    let digest = place.put(b"component");
    assert_eq!(place.vault.get_signature(&digest).unwrap(), None);
    for text in ["first", "second"] {
        place.vault.put_signature(&digest, text).unwrap();
        let kept = place.vault.get_signature(&digest).unwrap();
        assert_eq!(kept.as_deref(), Some(text));
    }
    let long = "x".repeat((64 << 10) + 1);
    assert!(place.vault.put_signature(&digest, &long).is_err());
    let path = place.path(format!("{}.sig", digest.hex()));
    for foreign in [long.as_bytes(), &[0xff]] {
        fs::write(&path, foreign).unwrap();
        assert!(place.vault.get_signature(&digest).is_err());
    }
}

#[test]
fn who_puts_the_same_bytes_at_once_finds_them_whole() {
    let place = Place::new();
    let bytes = vec![7; 1 << 20];
    let digest = digest(&bytes);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    place.vault.put(&digest, &bytes).unwrap();
                    assert!(place.vault.get(&digest).unwrap() == bytes);
                }
            });
        }
    });
    assert_eq!(place.names().len(), 1);
}

#[test]
fn collection_takes_nothing_from_who_is_writing() {
    let place = Place::new();
    let bytes: Vec<_> = (0..20).map(|number| vec![number; 200_000]).collect();
    let keep: HashSet<_> = bytes.iter().map(|bytes| digest(bytes)).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for bytes in &bytes {
                place.put(bytes);
            }
        });
        while !writer.is_finished() {
            assert!(place.vault.collect(&keep).unwrap().is_empty());
        }
        writer.join().unwrap();
    });
    assert_eq!(place.names().len(), 20);
}

#[test]
fn a_disk_without_room_keeps_what_was_there() {
    let test = concat!(module_path!(), "::a_disk_without_room_keeps_what_was_there");
    on_small_disk(test, |disk| {
        let place = Place::new();
        let small = place.put(&[1; 1_000]);
        let large = vec![2; 100_000];
        disk.set(Some(50_000));
        assert!(place.vault.put(&digest(&large), &large).is_err());
        assert_eq!(place.names(), [format!("{}.wasm", small.hex())]);
        assert_eq!(place.vault.get(&small).unwrap(), [1; 1_000]);
        disk.set(None);
        place.put(&large);
    });
}

#[test]
fn a_directory_that_is_gone_is_an_error_until_it_is_back() {
    let place = Place::new();
    let digest = place.put(b"component");
    fs::remove_dir_all(place.path("")).unwrap();
    assert!(place.vault.put(&digest, b"component").is_err());
    assert!(place.vault.collect(&HashSet::new()).is_err());
    fs::create_dir(place.path("")).unwrap();
    place.put(b"component");
    assert_eq!(place.vault.get(&digest).unwrap(), b"component");
}
