//! A file that was full, and a rotation that was cut short.

use std::fs;
use std::path::Path;

use super::support::{bytes, change, directory, files, records, removal, seqs, sum};
use crate::lifecycle::journal::files::{copy, current, moves, successor};
use crate::lifecycle::journal::rotation::prepare;
use crate::lifecycle::journal::{Journal, Ledger, Record};

/// A few records fill a file.
const SMALL: u64 = 20_000;

fn open(dir: &Path) -> (Journal, Ledger) {
    Journal::with_file_size(dir, SMALL).unwrap()
}

/// Appends changes of three components until so many files are kept.
fn filled(dir: &Path, kept: usize) -> Vec<Record> {
    let (mut journal, _) = open(dir);
    let mut written = Vec::new();
    while files(dir).len() < kept + 1 {
        let number = written.len() as u64;
        let name = ["cart", "stock", "payment"][number as usize % 3];
        written.push(journal.append(change(name, number)).unwrap());
    }
    written
}

/// How many of the newest records the history has, without one missing between. What it has
/// besides are the last records of components that did not change since.
fn shown(journal: &Journal, written: &[Record]) -> usize {
    let history = records(journal);
    let known = |record: &&Record| **record == written[record.seq as usize - 1];
    assert_eq!(history.iter().filter(known).count(), history.len());
    let pairs = history.iter().rev().zip(written.iter().rev());
    let without_gap = pairs
        .take_while(|(shown, written)| shown == written)
        .count();
    assert!(history.len() - without_gap <= 3, "{:?}", seqs(&history));
    without_gap
}

fn file_names(dir: &Path) -> Vec<String> {
    let paths = files(dir).into_iter();
    let name = |path: std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.map(name).collect()
}

#[test]
fn a_full_file_is_exchanged_for_the_last_record_of_each_component() {
    let dir = directory();
    let written = filled(dir.path(), 1);
    let lines = bytes(dir.path());
    let last = &written[written.len() - 3..];
    let read: Vec<Record> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(&line[17..]).unwrap())
        .collect();
    assert_eq!(read, last);
    let (journal, ledger) = open(dir.path());
    assert_eq!(ledger, sum(&written));
    assert_eq!(
        records(&journal),
        written,
        "the history has the full file too"
    );
}

#[test]
fn files_are_bounded_in_number_and_size_and_nothing_is_lost() {
    let dir = directory();
    let mut written = filled(dir.path(), 4);
    let (mut journal, _) = open(dir.path());
    for number in 0..100 {
        written.push(journal.append(change("cart", number)).unwrap());
    }
    let names = [
        "journal",
        "journal.1",
        "journal.2",
        "journal.3",
        "journal.4",
    ];
    assert_eq!(file_names(dir.path()), names);
    for path in files(dir.path()) {
        assert!(fs::metadata(path).unwrap().len() < SMALL + 5_000);
    }
    let (reopened, ledger) = open(dir.path());
    assert_eq!(ledger, sum(&written));
    assert!(shown(&reopened, &written) > 40);
}

#[test]
fn components_that_fill_a_file_do_not_rotate_it_each_time() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    let mut rotations = 0;
    for number in 0..100 {
        let mut draft = change("cart", number);
        draft.component = format!("c{number}").parse().unwrap();
        let before = fs::metadata(dir.path().join("journal.1"))
            .map(|it| it.len())
            .ok();
        journal.append(draft).unwrap();
        let after = fs::metadata(dir.path().join("journal.1"))
            .map(|it| it.len())
            .ok();
        rotations += usize::from(before != after);
    }
    assert!((1..6).contains(&rotations), "{rotations}");
    assert_eq!(open(dir.path()).1.iter().count(), 100);
}

#[test]
fn when_all_is_removed_the_numbers_go_on() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    let mut seq = journal.append(change("cart", 1)).unwrap().seq;
    while !dir.path().join("journal.1").exists() {
        seq = journal.append(removal("cart")).unwrap().seq;
    }
    for kept in 1..=4 {
        let _ = fs::remove_file(dir.path().join(format!("journal.{kept}")));
    }
    let (journal, ledger) = open(dir.path());
    assert_eq!(ledger.iter().count(), 0);
    assert_eq!((ledger.next_seq(), journal.next_seq()), (seq + 1, seq + 1));
}

#[test]
fn a_current_file_that_was_moved_away_uses_no_number_again() {
    let dir = directory();
    let written = filled(dir.path(), 1);
    fs::rename(current(dir.path()), dir.path().join("aside")).unwrap();
    let (mut journal, ledger) = open(dir.path());
    assert_eq!(ledger.iter().count(), 0);
    assert_eq!(ledger.next_seq(), written.len() as u64 + 1);
    let next = journal.append(change("cart", 1)).unwrap();
    assert_eq!(next.seq, ledger.next_seq());
}

#[test]
fn a_damaged_predecessor_costs_only_history() {
    let dir = directory();
    let written = filled(dir.path(), 1);
    let path = dir.path().join("journal.1");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (journal, ledger) = open(dir.path());
    assert_eq!(ledger, sum(&written));
    assert_eq!(records(&journal), written[written.len() - 3..]);
}

#[test]
fn a_rotation_that_fails_costs_nothing_and_is_made_up_for() {
    // What is about to be written, and what has no place to go.
    for (kept, obstacle) in [(0, "journal.new"), (3, "journal.4")] {
        let dir = directory();
        let mut written = filled(dir.path(), kept);
        let (mut journal, _) = open(dir.path());
        let before = file_names(dir.path());
        let obstacle = dir.path().join(obstacle);
        fs::create_dir_all(obstacle.join("in the way")).unwrap();
        let mut append = |journal: &mut Journal| {
            written.push(
                journal
                    .append(change("cart", written.len() as u64))
                    .unwrap(),
            );
        };
        while bytes(dir.path()).len() as u64 <= SMALL + 5_000 {
            append(&mut journal);
        }
        fs::remove_dir_all(&obstacle).unwrap();
        let kept = |names: Vec<String>| {
            let leftovers = ["journal.new", "journal.old"];
            let kept = names.into_iter();
            kept.filter(|name| !leftovers.contains(&name.as_str()))
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(file_names(dir.path())), before);
        while kept(file_names(dir.path())) == before {
            append(&mut journal);
            assert!((bytes(dir.path()).len() as u64) < 2 * SMALL + 5_000);
        }
        let (journal, ledger) = open(dir.path());
        assert_eq!(ledger, sum(&written));
        assert_eq!(records(&journal), written);
    }
}

/// Opens what a crash left, and shows that it is whole and rotates again.
fn goes_on(dir: &Path, written: &[Record]) {
    let (mut journal, ledger) = open(dir);
    assert_eq!(ledger, sum(written));
    shown(&journal, written);
    assert!(!successor(dir).exists() && !copy(dir).exists());
    let mut written = written.to_vec();
    for number in 0..60 {
        written.push(journal.append(change("stock", number)).unwrap());
    }
    let (journal, ledger) = open(dir);
    assert_eq!(ledger, sum(&written));
    shown(&journal, &written);
}

/// The records of what is, as a rotation takes them.
fn essence(written: &[Record]) -> &[Record] {
    &written[written.len() - 3..]
}

#[test]
fn a_crash_between_any_two_renames_leaves_a_whole_journal() {
    for kept in [0, 1, 4] {
        let steps = 2 + kept.min(3);
        for done in 0..=steps {
            let dir = directory();
            let mut written = filled(dir.path(), kept);
            let (mut journal, _) = open(dir.path());
            for name in ["cart", "stock", "payment"] {
                written.push(journal.append(change(name, 99)).unwrap());
            }
            drop(journal);
            prepare(dir.path(), essence(&written)).unwrap();
            let moves = moves(dir.path());
            assert_eq!(moves.len(), steps);
            for (from, to) in &moves[..done] {
                fs::rename(from, to).unwrap();
            }
            goes_on(dir.path(), &written);
        }
    }
}

#[test]
fn a_crash_while_the_new_files_are_written_leaves_a_whole_journal() {
    for path in [successor, copy] {
        let dir = directory();
        let written = filled(dir.path(), 1);
        prepare(dir.path(), essence(&written)).unwrap();
        fs::remove_file(copy(dir.path())).unwrap();
        let whole = bytes(dir.path());
        for part in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(path(dir.path()), &whole[..part]).unwrap();
            let (journal, ledger) = open(dir.path());
            assert_eq!(ledger, sum(&written));
            assert_eq!(records(&journal), written);
        }
        goes_on(dir.path(), &written);
    }
}
