//! A disk that takes nothing, and one that takes half of it.

use std::fs::{File, OpenOptions};

use super::support::{bytes, change, records, sum, written};
use crate::lifecycle::journal::Journal;
use crate::lifecycle::small_disk::on_small_disk;

fn device(path: &str) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).open(path).unwrap()
}

#[test]
fn a_full_disk_takes_no_record_and_has_room_for_the_next_when_it_has() {
    let test = concat!(
        module_path!(),
        "::a_full_disk_takes_no_record_and_has_room_for_the_next_when_it_has"
    );
    on_small_disk(test, |disk| {
        let (dir, mut expected) = written(2);
        let (mut journal, ledger) = Journal::open(dir.path()).unwrap();
        let before = bytes(dir.path());
        for room in [0, 1, 17, 100] {
            disk.set(Some(before.len() as u64 + room));
            assert!(journal.append(change("cart", 3)).is_err());
            assert_eq!(bytes(dir.path()), before, "room for {room} bytes");
            assert_eq!(records(&journal), expected);
            assert_eq!(journal.next_seq(), ledger.next_seq());
        }
        disk.set(None);
        expected.push(journal.append(change("cart", 3)).unwrap());
        assert_eq!(expected[2].seq, 3);
        let (journal, ledger) = Journal::open(dir.path()).unwrap();
        assert_eq!(records(&journal), expected);
        assert_eq!(ledger, sum(&expected));
    });
}

/// `/dev/full` takes no byte, and cannot be cut; `/dev/null` cannot be brought to a medium.
#[test]
fn a_failure_that_cannot_be_made_good_refuses_all_later_records() {
    for path in ["/dev/full", "/dev/null"] {
        let (dir, expected) = written(2);
        let (mut journal, _) = Journal::open(dir.path()).unwrap();
        let file = journal.replace_file(device(path));
        assert!(journal.append(change("cart", 3)).is_err(), "{path}");
        journal.replace_file(file);
        let error = journal.append(change("cart", 4)).unwrap_err().to_string();
        assert!(error.contains("until the node is restarted"), "{error}");
        assert_eq!(records(&journal), expected);

        let (mut journal, ledger) = Journal::open(dir.path()).unwrap();
        assert_eq!(ledger, sum(&expected));
        assert_eq!(journal.append(change("cart", 3)).unwrap().seq, 3);
    }
}
