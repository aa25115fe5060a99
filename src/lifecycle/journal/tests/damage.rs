//! A file that somebody, or a disk, has changed.

use proptest::prelude::*;

use super::support::{bytes, change, ends, holding, records, sum, written};
use crate::core::Timestamp;
use crate::lifecycle::journal::line::{Chain, Line};
use crate::lifecycle::journal::{Journal, JournalError, Record};

/// Opens a journal that was changed: either that is found, or only its end is cut off.
/// Returns how many records are left.
fn found_or_cut(changed: &[u8], written: &[Record]) -> Option<usize> {
    match Journal::open(holding(changed).path()) {
        Err(JournalError::Damaged { .. }) => None,
        Err(error) => panic!("{error}"),
        Ok((journal, ledger)) => {
            let left = records(&journal);
            assert_eq!(left, written[..left.len()]);
            assert_eq!(ledger, sum(&left));
            Some(left.len())
        }
    }
}

#[test]
fn a_changed_byte_never_changes_what_is_read() {
    let (dir, written) = written(4);
    let whole = bytes(dir.path());
    let ends = ends(&whole);
    for at in 0..whole.len() {
        for flip in [0x01, 0x20, 0x80, whole[at] ^ b'\n'] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            let left = found_or_cut(&changed, &written);
            if flip == 0 {
                assert_eq!(left, Some(4));
            } else if at < ends[2] - 1 {
                assert_eq!(left, None, "byte {at}, {flip:#x}");
            } else {
                assert!(left.is_none_or(|left| left < 4), "byte {at}, {flip:#x}");
            }
        }
    }
}

#[test]
fn a_removed_or_moved_line_is_found() {
    let (dir, written) = written(4);
    let whole = bytes(dir.path());
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for (order, line) in [
        (&[1, 2, 3][..], 1),
        (&[0, 2, 3], 2),
        (&[0, 1, 3, 2], 3),
        (&[1, 0, 2, 3], 1),
        (&[0, 0, 1, 2, 3], 2),
        (&[0, 1, 2, 2, 3], 4),
    ] {
        let changed: Vec<u8> = order.iter().flat_map(|at| lines[*at]).copied().collect();
        let error = Journal::open(holding(&changed).path()).err().unwrap();
        let JournalError::Damaged {
            line: found, byte, ..
        } = &error
        else {
            panic!("{error}");
        };
        let before: usize = order[..line - 1].iter().map(|at| lines[*at].len()).sum();
        assert_eq!((*found, *byte), (line as u64, before as u64));
    }
    // The next-to-last alone: the last one does not fit, as after a power loss.
    let changed = [lines[0], lines[1], lines[3]].concat();
    assert_eq!(found_or_cut(&changed, &written), Some(2));
}

#[test]
fn a_number_that_does_not_rise_is_found() {
    for second in [1, 0] {
        let at = Timestamp::from_millis(0);
        let first = Line::new(&change("cart", 1).numbered(1, at), Chain::START).unwrap();
        let second = change("cart", 2).numbered(second, at);
        let second = Line::new(&second, first.chain).unwrap();
        let dir = holding(&[first.bytes, second.bytes].concat());
        let error = Journal::open(dir.path()).err().unwrap();
        assert!(matches!(error, JournalError::Damaged { line: 2, .. }));
    }
}

#[test]
fn the_message_says_where_and_what_to_do() {
    let (dir, _) = written(3);
    let mut changed = bytes(dir.path());
    let second = ends(&changed)[0];
    changed[second + 40] ^= 1;
    let dir = holding(&changed);
    let text = Journal::open(dir.path()).err().unwrap().to_string();
    let path = dir.path().join("journal");
    for part in [
        path.to_str().unwrap(),
        &format!("line 2, which begins at byte {second}"),
        "move the file away",
        "starts from the configuration alone",
        "still in the vault",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(bytes(dir.path()), changed, "a damaged file is not touched");
}

#[test]
fn a_line_without_end_is_found_and_not_read_whole() {
    let (dir, _) = written(1);
    let mut changed = bytes(dir.path());
    changed.extend(vec![b'x'; 3 << 20]);
    let error = Journal::open(holding(&changed).path()).err().unwrap();
    assert!(
        matches!(error, JournalError::Damaged { line: 2, .. }),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_in_the_file_is_found_or_cut(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let (dir, written) = written(3);
        let mut changed = bytes(dir.path());
        for (place, byte) in places {
            let at = place.index(changed.len());
            changed[at] = byte;
        }
        changed.truncate(cut.index(changed.len()) + 1);
        found_or_cut(&changed, &written);
    }
}
