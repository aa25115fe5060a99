//! What is written in one transaction: the jobs that wait, one after the other. Each is decided
//! on what the earlier ones left, completely, before it writes anything.

use redb::{ReadableTable as _, Table, WriteTransaction};

use super::super::decide::{self, Change, Edit, Held, Reply, Space};
use super::fault::{Fault, Trouble};
use super::record::Sealer;
use super::tables::{EXPIRING, RECORDS, USAGE, expiry, key_of_expiry, name, space_start};
use super::view::expired_end;
use crate::core::{ComponentName, Key, Quota, Record, Revision, StoreError, Timestamp, Usage};

/// Expired values that a write takes away before it is refused for want of room.
const SWEPT_FOR_ROOM: usize = 10_000;

/// The tables of a store, to be written.
pub(super) struct Tables<'t> {
    records: Table<'t, &'static [u8], &'static [u8]>,
    usage: Table<'t, &'static [u8], (u64, u64)>,
    expiring: Table<'t, &'static [u8], ()>,
    sealer: &'t Sealer,
    /// Something was written.
    pub changed: bool,
}

/// A namespace, as the transaction has it.
struct Present<'a, 't>(&'a Tables<'t>, &'a ComponentName);

impl Space for Present<'_, '_> {
    type Error = Trouble;

    fn held(&self, key: &Key) -> Result<Option<Held>, Trouble> {
        let name = name(self.1, key.as_str());
        match self.0.records.get(name.as_slice())? {
            Some(record) => Ok(Some(self.0.sealer.open(&name, record.value())?)),
            None => Ok(None),
        }
    }

    fn usage(&self) -> Result<Usage, Trouble> {
        let usage = self.0.usage.get(self.1.as_str().as_bytes())?;
        let (bytes, keys) = usage.map(|usage| usage.value()).unwrap_or_default();
        Ok(Usage { bytes, keys })
    }
}

impl<'t> Tables<'t> {
    pub fn open(transaction: &'t WriteTransaction, sealer: &'t Sealer) -> Result<Self, Fault> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            usage: transaction.open_table(USAGE)?,
            expiring: transaction.open_table(EXPIRING)?,
            sealer,
            changed: false,
        })
    }

    /// Makes one change, or none of it.
    pub fn change(
        &mut self,
        space: &ComponentName,
        change: &Change,
        quota: Quota,
        now: Timestamp,
        revision: &mut u64,
    ) -> Result<Reply, Trouble> {
        let mut decision = decide::decide(&Present(self, space), change, quota, now, revision);
        if is_quota(&decision) && self.sweep(space, now, SWEPT_FOR_ROOM)? > 0 {
            decision = decide::decide(&Present(self, space), change, quota, now, revision);
        }
        let decision = decision?;
        for edit in &decision.edits {
            self.apply(space, edit)?;
        }
        if !decision.edits.is_empty() {
            self.account(space, decision.usage)?;
        }
        Ok(decision.reply)
    }

    /// Writes a record of a backup, without regard to quotas.
    pub fn put(&mut self, record: Record, revision: &mut u64) -> Result<(), Trouble> {
        *revision += 1;
        let Record {
            space,
            key,
            value,
            expires,
        } = record;
        let edit = Edit {
            before: Present(self, &space).held(&key)?,
            key,
            after: Some(Held {
                value,
                revision: Revision(*revision),
                expires,
            }),
        };
        self.edit(&space, &edit)
    }

    /// Takes away at most `limit` values of a namespace that have expired. Answers how many
    /// entries it went through.
    pub fn sweep(
        &mut self,
        space: &ComponentName,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, Trouble> {
        let (start, end) = (space_start(space), expired_end(space, now));
        let rows = self.expiring.range(start.as_slice()..end.as_slice())?;
        let rows = rows.take(limit).map(|row| Ok(row?.0.value().to_vec()));
        let rows: Vec<Vec<u8>> = rows.collect::<Result<_, Fault>>()?;
        for row in &rows {
            if let Some(key) = key_of_expiry(space, row) {
                self.expire(space, key, now)?;
            }
            self.expiring.remove(row.as_slice())?;
            self.changed = true;
        }
        Ok(rows.len())
    }

    fn expire(&mut self, space: &ComponentName, key: Key, now: Timestamp) -> Result<(), Trouble> {
        let before = match Present(self, space).held(&key) {
            Ok(Some(held)) if !held.is_there(now) => Some(held),
            // What is damaged stays, for whoever wants to rescue it.
            Ok(_) | Err(Trouble::Refused(_)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let after = None;
        self.edit(space, &Edit { key, before, after })
    }

    fn edit(&mut self, space: &ComponentName, edit: &Edit) -> Result<(), Trouble> {
        let usage = Present(self, space).usage()?;
        let usage = decide::usage_after(usage, std::slice::from_ref(edit));
        let usage = usage.map_err(|error| Fault::Damaged(error.to_string()))?;
        self.apply(space, edit)?;
        self.account(space, usage)
    }

    fn apply(&mut self, space: &ComponentName, edit: &Edit) -> Result<(), Trouble> {
        self.changed = true;
        let key = edit.key.as_str();
        let name = name(space, key);
        if let Some(expires) = edit.before.as_ref().and_then(|held| held.expires) {
            self.expiring
                .remove(expiry(space, expires, key).as_slice())?;
        }
        match &edit.after {
            Some(held) => {
                let record = self.sealer.seal(&name, held);
                self.records.insert(name.as_slice(), record.as_slice())?;
            }
            None => {
                self.records.remove(name.as_slice())?;
            }
        }
        if let Some(expires) = edit.after.as_ref().and_then(|held| held.expires) {
            let row = expiry(space, expires, key);
            self.expiring.insert(row.as_slice(), ())?;
        }
        Ok(())
    }

    fn account(&mut self, space: &ComponentName, usage: Usage) -> Result<(), Trouble> {
        let row = space.as_str().as_bytes();
        if usage.keys == 0 {
            self.usage.remove(row)?;
        } else {
            self.usage.insert(row, (usage.bytes, usage.keys))?;
        }
        Ok(())
    }
}

fn is_quota<T>(decision: &Result<T, Trouble>) -> bool {
    matches!(
        decision,
        Err(Trouble::Refused(
            StoreError::QuotaBytes { .. } | StoreError::QuotaKeys { .. }
        ))
    )
}
