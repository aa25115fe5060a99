//! The committed components are those of the committed sources.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the header of `components.lock` says.
fn source_hash(name: &str, shared: &[String]) -> String {
    let wat = format!("wat/{name}.wat");
    let own = match name.strip_suffix("-p3") {
        Some(base) => format!("guests/examples/p3/{base}.rs"),
        None if fixtures().join(&wat).exists() => wat,
        None => format!("guests/examples/p2/{name}.rs"),
    };
    let files = std::iter::once(&own).chain(shared);
    let listing: String = files
        .map(|file| {
            format!(
                "{}  {file}\n",
                hex(std::fs::read(fixtures().join(file)).unwrap())
            )
        })
        .collect();
    hex(listing)
}

/// What every guest is built from, in the order of the lock's header.
fn shared_sources() -> Vec<String> {
    let mut sources = Vec::new();
    let mut directories = vec![fixtures().join("guests/src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let relative = path.strip_prefix(fixtures()).unwrap();
                sources.push(relative.to_str().unwrap().to_owned());
            }
        }
    }
    sources.sort();
    sources.extend(["guests/Cargo.toml".into(), "guests/Cargo.lock".into()]);
    sources
}

#[test]
fn every_component_has_the_sources_and_the_bytes_of_the_lock() {
    let lock = std::fs::read_to_string(fixtures().join("components.lock")).unwrap();
    let shared = shared_sources();
    let mut locked = Vec::new();
    for line in lock.lines().filter(|line| !line.starts_with('#')) {
        let [name, source, artifact] = line.split("  ").collect::<Vec<_>>()[..] else {
            panic!("{line:?}");
        };
        let bytes = std::fs::read(crate::support::guest(name)).unwrap();
        assert_eq!(
            hex(bytes),
            artifact,
            "components/{name}.wasm has other bytes: run fixtures/build.sh"
        );
        assert_eq!(
            source_hash(name, &shared),
            source,
            "{name} has other sources: run fixtures/build.sh"
        );
        locked.push(format!("{name}.wasm"));
    }
    locked.sort();
    let mut present: Vec<String> = std::fs::read_dir(fixtures().join("components"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    present.sort();
    assert_eq!(present, locked);
}
