//! What a restart finds.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::support::{change, directory, holding, records, removal, sum, written};
use crate::core::Timestamp;
use crate::lifecycle::journal::line::{Chain, Line};
use crate::lifecycle::journal::{Journal, JournalError, Ledger};

#[test]
fn a_restart_finds_what_was_written() {
    let (dir, mut written) = written(4);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    written.push(journal.append(change("cart", 7)).unwrap());
    assert_eq!(written[4].after, change("cart", 7).after);
    drop(journal);
    let (journal, ledger) = Journal::open(dir.path()).unwrap();
    assert_eq!(records(&journal), written);
    assert_eq!(ledger, sum(&written));
    assert_eq!(ledger.iter().count(), 2);
    let cart = ledger.get(&"cart".parse().unwrap()).unwrap();
    assert_eq!((cart.generation, ledger.next_seq()), (7, 6));
}

#[test]
fn a_new_journal_is_empty_and_private() {
    let dir = directory();
    let dir = dir.path().join("state/journal");
    let (mut journal, ledger) = Journal::open(&dir).unwrap();
    assert_eq!((ledger.next_seq(), journal.next_seq()), (1, 1));
    assert_eq!(ledger, Ledger::default());
    assert_eq!(journal.append(change("cart", 1)).unwrap().seq, 1);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    assert_eq!(mode(dir.join("journal")), 0o600);
}

#[test]
fn a_removed_component_is_gone_and_its_numbers_are_not_used_again() {
    let (dir, _) = written(2);
    let (mut journal, mut ledger) = Journal::open(dir.path()).unwrap();
    ledger.apply(&journal.append(removal("cart")).unwrap());
    assert_eq!(ledger.get(&"cart".parse().unwrap()), None);
    let (journal, reopened) = Journal::open(dir.path()).unwrap();
    assert_eq!(reopened, ledger);
    assert_eq!((reopened.next_seq(), journal.next_seq()), (4, 4));
}

#[test]
fn history_is_the_newest_first_and_of_the_component_asked_for() {
    let (dir, _) = written(7);
    let (journal, _) = Journal::open(dir.path()).unwrap();
    let seqs = |component: Option<&str>, limit| {
        let component = component.map(|name| name.parse().unwrap());
        let records = journal.history(component.as_ref(), limit).into_iter();
        records.map(|record| record.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(None, 3), [7, 6, 5]);
    assert_eq!(seqs(Some("stock"), 2), [6, 4]);
    assert!(seqs(Some("nobody"), 9).is_empty());
}

#[test]
fn time_does_not_go_back_with_the_clock() {
    let future = Timestamp::from_millis(Timestamp::now().as_millis() + 86_400_000);
    let record = change("cart", 1).numbered(1, future);
    let dir = holding(&Line::new(&record, Chain::START).unwrap().bytes);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.append(change("cart", 2)).unwrap().at, future);
}

#[test]
fn a_record_that_could_not_be_read_again_is_refused() {
    let (dir, before) = written(1);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let mut endless = change("cart", 2);
    endless.reason = Some("x".repeat(1 << 20));
    let mut no_number = change("cart", 2);
    let rollout = no_number.after.as_mut().unwrap().rollout.as_mut().unwrap();
    rollout.policy.max_error_rate = f64::NAN;
    for draft in [endless, no_number] {
        assert!(journal.append(draft).is_err());
    }
    let second = journal.append(change("cart", 2)).unwrap();
    assert_eq!(second.seq, 2);
    let (journal, _) = Journal::open(dir.path()).unwrap();
    assert_eq!(records(&journal), [&before[..], &[second]].concat());
}

#[test]
fn a_record_of_another_version_is_told_from_a_damaged_one() {
    let mut record = serde_json::to_value(change("cart", 1).numbered(1, Timestamp::now())).unwrap();
    record["action"] = "teleported".into();
    let json = record.to_string();
    let hash = blake3::hash(format!("0000000000000000{json}").as_bytes()).to_hex();
    let dir = holding(format!("{} {json}\n", &hash[..16]).as_bytes());
    let error = Journal::open(dir.path()).err().unwrap();
    assert!(
        matches!(error, JournalError::Foreign { line: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("teleported"), "{error}");
}

#[test]
fn what_is_no_file_is_no_journal() {
    let dir = directory();
    symlink("/dev/zero", dir.path().join("journal")).unwrap();
    let error = Journal::open(dir.path()).err().unwrap();
    assert!(error.to_string().ends_with("it is no file"), "{error}");
}

#[test]
fn memory_keeps_a_bounded_number_of_records() {
    let mut bytes = Vec::new();
    let mut chain = Chain::START;
    for seq in 1..=1_500 {
        let record = change("cart", seq).numbered(seq, Timestamp::from_millis(seq));
        let line = Line::new(&record, chain).unwrap();
        bytes.extend(line.bytes);
        chain = line.chain;
    }
    let (mut journal, ledger) = Journal::open(holding(&bytes).path()).unwrap();
    assert_eq!(ledger.next_seq(), 1_501);
    let seqs = |journal: &Journal| {
        let records = records(journal);
        (records.len(), records[0].seq)
    };
    assert_eq!(seqs(&journal), (1_000, 501));
    journal.append(change("cart", 1_501)).unwrap();
    assert_eq!(seqs(&journal), (1_000, 502));
}

#[test]
fn memory_keeps_a_bounded_number_of_bytes() {
    let dir = directory();
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    for number in 0..40 {
        let mut draft = change("cart", number);
        draft.reason = Some("x".repeat(900_000));
        journal.append(draft).unwrap();
    }
    let in_memory = journal.history(None, usize::MAX).len();
    assert!((10..20).contains(&in_memory), "{in_memory}");
}
