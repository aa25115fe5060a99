//! A disk that takes nothing. `/dev/full` answers every write as a full disk does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::support::{deploy, on_disk, targets, wait_for};
use crate::security::audit::{Query, Trail};

/// A directory whose current file is on a full disk.
fn full() -> Option<tempfile::TempDir> {
    let full = Path::new("/dev/full");
    let dir = tempfile::tempdir().unwrap();
    symlink(full, dir.path().join("audit.jsonl")).unwrap();
    full.exists().then_some(dir)
}

#[test]
fn a_full_disk_costs_its_lines_and_nothing_else() {
    let Some(dir) = full() else { return };
    let trail = Trail::open(dir.path()).unwrap();
    for number in 0..10 {
        assert!(trail.record(deploy(number)));
    }
    wait_for("the drops", || trail.dropped() == 10);
    assert_eq!(targets(&trail, &Query::default()).len(), 10);
}

#[test]
fn the_trail_goes_on_when_there_is_room_again() {
    let Some(dir) = full() else { return };
    let trail = Trail::open(dir.path()).unwrap();
    trail.record(deploy(1));
    wait_for("the drop", || trail.dropped() == 1);
    let path = dir.path().join("audit.jsonl");
    fs::remove_file(&path).unwrap();
    trail.record(deploy(2));
    wait_for("the line", || on_disk(&path).len() == 1);
    assert_eq!(on_disk(&path)[0].target, "2");
    assert_eq!(trail.dropped(), 1);
}

#[test]
fn a_directory_that_is_gone_costs_its_lines_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(dir.path()).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();
    trail.record(deploy(1));
    wait_for("the drop", || trail.dropped() == 1);
    fs::create_dir(dir.path()).unwrap();
    trail.record(deploy(2));
    wait_for("the line", || {
        on_disk(&dir.path().join("audit.jsonl")).len() == 1
    });
}
