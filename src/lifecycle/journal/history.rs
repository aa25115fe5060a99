//! The last records, for who asks what happened. Bounded in number and in bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Record;

/// Records in memory.
pub(super) const RECORDS: usize = 1_000;
/// Bytes that they have in the journal, all together.
const BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct History {
    /// By number, each with the bytes of its line.
    records: BTreeMap<u64, (Arc<Record>, usize)>,
    bytes: usize,
}

impl History {
    /// Adds a record in the order of its number; the oldest make room. One that is there
    /// already stays: after a rotation several files have it.
    pub fn insert(&mut self, record: Arc<Record>, bytes: usize) {
        if self.records.contains_key(&record.seq) {
            return;
        }
        self.bytes += bytes;
        self.records.insert(record.seq, (record, bytes));
        while self.records.len() > RECORDS || self.bytes > BYTES && self.records.len() > 1 {
            if let Some((_, (_, bytes))) = self.records.pop_first() {
                self.bytes -= bytes;
            }
        }
    }

    /// No older record could add to it: there is no room, and none is missing between.
    pub fn is_complete(&self) -> bool {
        let first = self.records.keys().next().copied().unwrap_or(0);
        let last = self.newest().map_or(0, |record| record.seq);
        self.records.len() == RECORDS && last - first == RECORDS as u64 - 1
    }

    pub fn newest(&self) -> Option<&Arc<Record>> {
        self.newest_first().next()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values().rev().map(|(record, _)| record)
    }
}
