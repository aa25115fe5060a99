//! A guest that tries again and again, and a gateway that does so much that the disk is slow.

use std::fs;
use std::time::Instant;

use super::support::{denial, deploy, on_disk, targets, wait_for};
use crate::security::audit::files::paths;
use crate::security::audit::{Query, Trail};

#[test]
fn a_million_denials_are_a_few_events_and_none_is_uncounted() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(dir.path()).unwrap();
    let event = denial("cart", "https://evil.test");
    let began = Instant::now();
    let told = (0..1_000_000)
        .filter(|_| trail.record(event.clone()))
        .count();
    // One has begun, and one may end a moment early where the writer counts.
    let seconds = began.elapsed().as_secs() as usize + 2;
    drop(trail);
    let events = on_disk(&dir.path().join("audit.jsonl"));
    let total: u64 = events.iter().map(|event| event.repeated).sum();
    assert_eq!(total, 1_000_000);
    let counted = events.iter().filter(|event| event.repeated > 1).count();
    assert_eq!(events.len(), told + counted);
    // Twenty and a summary for each second that it took.
    assert!(events.len() <= 21 * seconds, "{} events", events.len());
}

#[test]
fn what_was_counted_is_told_when_the_second_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::open(dir.path()).unwrap();
    for _ in 0..50 {
        trail.record(denial("cart", "https://evil.test"));
    }
    // Nobody records or asks meanwhile: the writer looks by itself.
    let path = dir.path().join("audit.jsonl");
    wait_for("a summary", || {
        fs::read_to_string(&path).is_ok_and(|text| text.contains("\"repeated\":30}\n"))
    });
    assert_eq!(trail.query(&Query::default())[0].repeated, 30);
}

#[test]
fn memory_and_disk_stay_bounded_when_everything_is_recorded() {
    const FILE: u64 = 64 << 10;
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::with_file_size(dir.path(), FILE).unwrap();
    for number in 0..200_000 {
        trail.record(deploy(number));
    }
    assert_eq!(trail.shared.lock().ring.newest_first().count(), 10_000);
    assert_eq!(targets(&trail, &Query::default())[0], "199999");
    let dropped = trail.dropped();
    drop(trail);
    let files = fs::read_dir(dir.path()).unwrap();
    let sizes: Vec<_> = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .collect();
    assert!(sizes.len() <= paths(dir.path()).count(), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= FILE), "{sizes:?}");
    assert!(dropped < 200_000);
}
