//! A process that was killed, or a machine that lost its power, while it wrote.

use super::support::{bytes, change, ends, holding, records, sum, written};
use crate::lifecycle::journal::{Journal, Record};

/// Opens it, and shows that it has exactly the first `count` of `written`, and can go on.
fn goes_on_after(journal: &[u8], written: &[Record], count: usize) {
    let whole = ends(journal).get(..count).and_then(<[_]>::last).copied();
    let dir = holding(journal);
    let (mut journal, ledger) = Journal::open(dir.path()).unwrap();
    assert_eq!(records(&journal), written[..count]);
    assert_eq!(ledger, sum(&written[..count]));
    assert_eq!(bytes(dir.path()).len(), whole.unwrap_or(0));
    let next = journal.append(change("late", 9)).unwrap();
    assert_eq!(next.seq, ledger.next_seq());
    drop(journal);
    let (journal, _) = Journal::open(dir.path()).unwrap();
    let mut expected = written[..count].to_vec();
    expected.push(next);
    assert_eq!(records(&journal), expected);
}

#[test]
fn a_journal_that_was_cut_anywhere_opens_with_the_records_before() {
    let (dir, written) = written(4);
    let whole = bytes(dir.path());
    let ends = ends(&whole);
    for cut in 0..=whole.len() {
        let count = ends.iter().filter(|end| **end <= cut).count();
        goes_on_after(&whole[..cut], &written, count);
    }
}

#[test]
fn a_last_line_whose_blocks_never_came_is_cut_off() {
    let (dir, written) = written(3);
    let whole = bytes(dir.path());
    let begin = ends(&whole)[1];
    for hole in [
        begin..begin + 1,
        begin + 20..whole.len() - 1,
        begin..whole.len(),
    ] {
        let mut bytes = whole.clone();
        bytes[hole].fill(0);
        goes_on_after(&bytes, &written, 2);
    }
    let mut longer = whole.clone();
    longer.extend([0; 100_000]);
    goes_on_after(&longer, &written, 3);
}
