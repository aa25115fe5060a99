//! The trail in real files.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::support::{denial, deploy, on_disk, targets, wait_for};
use crate::core::RequestId;
use crate::security::audit::files::{Files, paths};
use crate::security::audit::{Query, Trail};

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_restart_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(dir.path()).unwrap();
    trail.record(denial("cart", "before").during(RequestId::next()));
    trail.record(deploy(1));
    let before = trail.query(&Query::default());
    drop(trail);
    let trail = Trail::open(dir.path()).unwrap();
    assert_eq!(trail.query(&Query::default()), before);
    trail.record(denial("cart", "after"));
    assert_eq!(targets(&trail, &Query::default()), ["after", "1", "before"]);
    assert_eq!(trail.dropped(), 0);
}

#[test]
fn an_event_is_on_disk_soon_and_not_only_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(dir.path()).unwrap();
    trail.record(deploy(1));
    let path = dir.path().join("audit.jsonl");
    wait_for("the line", || on_disk(&path).len() == 1);
}

#[test]
fn only_the_owner_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("audit");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    Trail::open(&dir).unwrap().record(deploy(1));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("audit.jsonl")), 0o600);
}

#[test]
fn a_full_file_makes_room_and_the_oldest_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Files::new(dir.path(), 100);
    for number in 0..20 {
        files.append(format!("{number:049}\n").as_bytes()).unwrap();
    }
    let first = |path: std::path::PathBuf| fs::read_to_string(path).unwrap()[..49].parse();
    let numbers: Vec<u32> = paths(dir.path()).map(first).map(Result::unwrap).collect();
    assert_eq!(numbers, [18, 16, 14, 12, 10]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
}

#[test]
fn a_restart_reads_across_files() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::with_file_size(dir.path(), 500).unwrap();
    for number in 0..20 {
        trail.record(deploy(number));
    }
    drop(trail);
    assert!(dir.path().join("audit.2.jsonl").exists());
    let trail = Trail::open(dir.path()).unwrap();
    let expected: Vec<_> = (0..20).rev().map(|number| number.to_string()).collect();
    assert_eq!(targets(&trail, &Query::default()), expected);
}

#[test]
fn a_line_that_was_cut_off_costs_itself_alone() {
    let dir = tempfile::tempdir().unwrap();
    Trail::open(dir.path()).unwrap().record(deploy(1));
    let path = dir.path().join("audit.jsonl");
    append(&path, br#"{"time":"2026-01-31T12:00:00.000Z","kind":"depl"#);
    let trail = Trail::open(dir.path()).unwrap();
    assert_eq!(targets(&trail, &Query::default()), ["1"]);
    trail.record(deploy(2));
    drop(trail);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    let trail = Trail::open(dir.path()).unwrap();
    assert_eq!(targets(&trail, &Query::default()), ["2", "1"]);
}

#[test]
fn what_is_no_event_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    Trail::open(dir.path()).unwrap().record(deploy(1));
    let path = dir.path().join("audit.jsonl");
    append(
        &path,
        b"\n\nnull\n{}\n\xff\xfe\n{\"kind\":\"of another version\"}\n",
    );
    append(&path, &[0; 10_000]);
    Trail::open(dir.path()).unwrap().record(deploy(2));
    let trail = Trail::open(dir.path()).unwrap();
    assert_eq!(targets(&trail, &Query::default()), ["2", "1"]);
}

#[test]
fn a_huge_file_is_read_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let line = serde_json::to_string(&deploy(7)).unwrap();
    append(&path, format!("\n{line}\n").as_bytes());
    let trail = Trail::open(dir.path()).unwrap();
    assert_eq!(targets(&trail, &Query::default()), ["7"]);
}

#[test]
fn memory_is_filled_with_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Files::new(dir.path(), 1 << 20);
    for number in 0..12_000 {
        let line = serde_json::to_string(&deploy(number)).unwrap() + "\n";
        files.append(line.as_bytes()).unwrap();
    }
    let trail = Trail::open(dir.path()).unwrap();
    let state = trail.shared.lock();
    let held: Vec<_> = state.ring.newest_first().collect();
    assert_eq!((held.len(), held[0].target.as_str()), (10_000, "11999"));
}
