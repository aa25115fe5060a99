//! Ways out of granted directories, and ways to write where only reading is granted.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::report::Report;
use super::{assert_unharmed, denials, granting, report, setup};
use crate::support::{Gate, encoded};

pub const SECRET: &str = "what lies outside";

/// What a guest could have changed.
#[derive(Debug, PartialEq)]
struct Item {
    mode: u32,
    changed: (i64, i64),
    content: Vec<u8>,
}

/// Directories to grant, and beside them one that nobody grants.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for name in ["data", "ro", "rw", "outside"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        for name in ["data", "ro"] {
            std::fs::write(place.path(name).join("hello.txt"), "hello").unwrap();
        }
        std::fs::write(place.path("outside/secret.txt"), SECRET).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `/data` and `/rw` to write, `/ro` to read.
    fn grants(&self) -> String {
        let grant = |name: &str, mode: &str| {
            let source = self.path(name);
            format!("{{ source = {source:?}, at = \"/{name}\", mode = {mode:?} }}")
        };
        let all = [
            grant("data", "read-write"),
            grant("rw", "read-write"),
            grant("ro", "read"),
        ];
        format!("files = [{}]", all.join(", "))
    }

    async fn gate(&self, guest: &str) -> Gate {
        let lines = granting(&self.grants());
        setup().guest_with(guest, &lines).start().await
    }

    /// Everything that is in one of the directories.
    fn inventory(&self, name: &str) -> BTreeMap<PathBuf, Item> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.path(name)];
        while let Some(path) = left.pop() {
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() {
                let entries = std::fs::read_dir(&path).unwrap();
                left.extend(entries.map(|entry| entry.unwrap().path()));
            }
            let content = match about.is_file() {
                true => std::fs::read(&path).unwrap(),
                false => Vec::new(),
            };
            let item = Item {
                mode: about.mode(),
                changed: (about.mtime(), about.mtime_nsec()),
                content,
            };
            found.insert(path, item);
        }
        found
    }

    /// What lies beside the directories too.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

async fn escape(gate: &Gate, outside: &Path, more: &str) -> Report {
    let outside = encoded(outside.to_str().unwrap());
    let path = format!("/files-escape?dir=/data&read=hello.txt&outside={outside}{more}");
    report(gate, &path).await
}

/// What stays inside, and so may succeed.
const HARMLESS: [&str; 14] = [
    "flags",
    "list",
    "read",
    "read-dot",
    // A link leads nowhere until somebody follows it.
    "link-target",
    "symlink-relative",
    "symlink-parent",
    "symlink-steps",
    "symlink-circle",
    "ro-flags",
    "ro-reopen",
    // Opened to read whatever was asked, as the attempts after it show.
    "ro-open-mutate",
    "ro-reopen-mutate",
    "rw-create",
];

#[tokio::test]
async fn a_granted_directory_is_the_end_of_the_world() {
    let place = Place::new();
    symlink("../outside", place.path("data/way-out")).unwrap();
    let gate = place.gate("files-escape").await;
    let before = (
        place.inventory("outside"),
        place.inventory("ro"),
        place.names(),
    );
    for outside in ["outside", "outside/secret.txt"] {
        let outside = place.path(outside);
        let report = escape(&gate, &outside, "&link=way-out&ro=/ro&rw=/rw").await;
        assert_eq!(report.outcome("preopens"), "/data /ro /rw");
        // The control: what is inside can be used.
        assert_eq!(report.outcome("read"), "ok hello", "{report}");
        assert_eq!(report.outcome("rw-create"), "ok", "{report}");
        let mut successes = report.successes();
        successes.retain(|attempt| !HARMLESS.contains(attempt));
        assert!(successes.is_empty(), "{successes:?} of\n{report}");
        assert!(!report.to_string().contains(SECRET), "{report}");
    }
    let after = (
        place.inventory("outside"),
        place.inventory("ro"),
        place.names(),
    );
    assert_eq!(before, after);
    assert!(!Path::new("/tmp/made-hard").exists() && !Path::new("/tmp/made-renamed").exists());
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn every_refusal_is_counted() {
    let place = Place::new();
    symlink("../outside", place.path("data/way-out")).unwrap();
    let gate = place.gate("files-escape").await;
    let report = escape(&gate, &place.path("outside"), "&link=way-out&ro=/ro&rw=/rw").await;
    let refused = report.with("denied:").len();
    assert!(refused > 60, "{report}");
    let counted = denials(&gate, "files-escape", "files").await;
    // What the guest clears away without telling may be refused too.
    assert!(counted >= refused, "{counted} of {refused}:\n{report}");
}

#[tokio::test]
async fn read_only_is_read_only() {
    let place = Place::new();
    let gate = place.gate("files-escape").await;
    let before = place.inventory("ro");
    let report = escape(&gate, &place.path("outside"), "&ro=/ro&rw=/rw").await;
    for attempt in [
        "ro-open-write",
        "ro-open-read-write",
        "ro-truncate",
        "ro-truncate-read",
        "ro-create",
        "ro-create-read",
        "ro-create-exclusive",
        "ro-write",
        "ro-write-stream",
        "ro-append",
        "ro-set-size",
        "ro-set-times",
        "ro-set-times-at",
        "ro-set-times-directory",
        "ro-unlink",
        "ro-mkdir",
        "ro-rmdir",
        "ro-rename",
        "ro-rename-over",
        "ro-symlink",
        "ro-hardlink",
        "ro-reopen-create",
        "ro-reopen-mkdir",
        "ro-reopen-mutate-create",
        "ro-reopen-mutate-mkdir",
        "hardlink-ro-to-rw",
        "hardlink-rw-to-ro",
        "rename-ro-to-rw",
        "rename-rw-to-ro",
        "rename-rw-over-ro",
    ] {
        let outcome = report.outcome(attempt);
        assert!(outcome.starts_with("denied:"), "{attempt}: {outcome}");
    }
    assert_eq!(before, place.inventory("ro"));
    assert_unharmed(&gate).await;
}

/// The control: the same attempts succeed where writing is granted.
#[tokio::test]
async fn where_writing_is_granted_the_same_attempts_succeed() {
    let place = Place::new();
    std::fs::write(place.path("rw/hello.txt"), "hello").unwrap();
    let gate = place.gate("files-escape").await;
    let report = escape(&gate, &place.path("outside"), "&ro=/rw&rw=/data").await;
    for attempt in [
        "ro-open-write",
        "ro-truncate",
        "ro-create",
        "ro-set-times-at",
        "ro-reopen-mutate-create",
        "ro-mkdir",
        "ro-rename",
        "ro-symlink",
        "ro-hardlink",
        "hardlink-ro-to-rw",
    ] {
        assert!(
            report.successes().contains(&attempt),
            "{attempt} of\n{report}"
        );
    }
}

#[tokio::test]
async fn no_link_of_the_operators_leads_out() {
    let place = Place::new();
    let outside = place.path("outside");
    let absolute = outside.to_str().unwrap();
    let secret = format!("{absolute}/secret.txt");
    let links = [
        ("relative", "../outside"),
        ("relative-file", "../outside/secret.txt"),
        ("absolute", absolute),
        ("absolute-file", &secret),
        ("chain", "relative"),
        ("above", ".."),
        ("beside", "../data/../outside"),
        ("to-root", "/"),
        ("to-process", "/proc/self/root"),
        ("to-directory", "/proc/self/cwd"),
    ];
    for (name, target) in links {
        symlink(target, place.path("data").join(name)).unwrap();
    }
    let gate = place.gate("files-escape").await;
    let before = (place.inventory("outside"), place.names());
    for (name, _) in links {
        // The control: for everybody else it does lead out.
        let followed = place.path("data").join(name).canonicalize().unwrap();
        assert!(!followed.starts_with(place.path("data")), "{name}");
        let report = escape(&gate, &outside, &format!("&link={name}")).await;
        let mut successes = report.successes();
        successes.retain(|attempt| attempt.starts_with("link-") && *attempt != "link-target");
        assert!(successes.is_empty(), "{name}: {successes:?} of\n{report}");
        assert!(!report.to_string().contains(SECRET), "{name}:\n{report}");
    }
    assert_eq!(before, (place.inventory("outside"), place.names()));
    assert_unharmed(&gate).await;
}

/// The control to the links: those that stay inside are followed.
#[tokio::test]
async fn a_link_that_stays_inside_is_followed() {
    let place = Place::new();
    symlink("hello.txt", place.path("data/inside")).unwrap();
    let gate = place.gate("files-escape").await;
    let report = escape(&gate, &place.path("outside"), "&link=inside").await;
    assert_eq!(report.outcome("link-follow"), "ok hello");
}
