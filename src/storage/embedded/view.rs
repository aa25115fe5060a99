//! One committed moment of a store, for everybody who reads.

use std::ops::Bound;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable as _, ReadableTableMetadata as _};

use super::super::decide::Held;
use super::super::limits::Answer;
use super::fault::{Fault, Trouble};
use super::haste;
use super::record::Sealer;
use super::tables::{
    EXPIRING, RECORDS, USAGE, end_of, expiry, name, space_of, space_start, split_name,
};
use crate::core::{ComponentName, Key, KeyPage, Record, StoreError, Stored, Timestamp, Usage};

pub(super) struct View {
    records: ReadOnlyTable<&'static [u8], &'static [u8]>,
    usage: ReadOnlyTable<&'static [u8], (u64, u64)>,
    expiring: ReadOnlyTable<&'static [u8], ()>,
    sealer: Sealer,
}

impl View {
    pub fn new(read: &ReadTransaction, sealer: Sealer) -> Result<Self, Fault> {
        Ok(Self {
            records: read.open_table(RECORDS)?,
            usage: read.open_table(USAGE)?,
            expiring: read.open_table(EXPIRING)?,
            sealer,
        })
    }

    pub fn get(
        &self,
        space: &ComponentName,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<Stored>, Trouble> {
        let name = name(space, key.as_str());
        let Some(record) = self.records.get(name.as_slice())? else {
            return Ok(None);
        };
        haste::spend(record.value().len())?;
        let held = self.sealer.open(&name, record.value())?;
        Ok(held.is_there(now).then(|| held.into_stored()))
    }

    pub fn get_many(
        &self,
        space: &ComponentName,
        keys: &[Key],
        now: Timestamp,
    ) -> Result<Vec<Option<Stored>>, Trouble> {
        let mut answer = Answer::default();
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let stored = self.get(space, key, now)?;
            answer.add(stored.as_ref().map_or(&[], |stored| &stored.value))?;
            values.push(stored);
        }
        Ok(values)
    }

    pub fn keys(
        &self,
        space: &ComponentName,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<KeyPage, Trouble> {
        let start = name(space, prefix);
        let end = end_of(&start).unwrap_or_default();
        let after = after.filter(|after| *after >= prefix);
        let after = after.map(|after| name(space, after));
        if after.as_ref().is_some_and(|after| *after >= end) {
            return Ok(KeyPage::default());
        }
        let from = match &after {
            Some(after) => Bound::Excluded(after.as_slice()),
            None => Bound::Included(start.as_slice()),
        };
        let mut page = KeyPage::default();
        let to = Bound::Excluded(end.as_slice());
        for row in self.records.range::<&[u8]>((from, to))? {
            let (name, record) = row?;
            let (_, expires) = self.sealer.header(name.value(), record.value())?;
            if expires.is_some_and(|expires| expires <= now) {
                continue;
            }
            if page.keys.len() == limit {
                page.more = true;
                break;
            }
            page.keys.push(split_name(name.value())?.1);
        }
        Ok(page)
    }

    pub fn usage(&self, space: &ComponentName) -> Result<Usage, Trouble> {
        let usage = self.usage.get(space.as_str().as_bytes())?;
        let (bytes, keys) = usage.map(|usage| usage.value()).unwrap_or_default();
        Ok(Usage { bytes, keys })
    }

    pub fn spaces(&self) -> Result<Vec<(ComponentName, Usage)>, Trouble> {
        let mut spaces = Vec::new();
        for row in self.usage.iter()? {
            let (space, usage) = row?;
            let (bytes, keys) = usage.value();
            spaces.push((space_of(space.value())?, Usage { bytes, keys }));
        }
        Ok(spaces)
    }

    /// The records after `after`, in the order of their names, until they have `size` bytes
    /// together. Empty: there are no more.
    pub fn records(
        &self,
        after: Option<&Record>,
        size: usize,
        now: Timestamp,
    ) -> Result<Vec<Record>, Trouble> {
        let after = after.map(|record| name(&record.space, record.key.as_str()));
        let from = after
            .as_ref()
            .map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_slice()));
        let (mut records, mut bytes) = (Vec::new(), 0);
        for row in self.records.range::<&[u8]>((from, Bound::Unbounded))? {
            let (name, record) = row?;
            let held = self.sealer.open(name.value(), record.value())?;
            if !held.is_there(now) {
                continue;
            }
            bytes += held.value.len() + name.value().len();
            records.push(to_record(name.value(), held)?);
            if bytes >= size {
                break;
            }
        }
        Ok(records)
    }

    /// Namespaces in which something has expired.
    pub fn expired(&self, now: Timestamp) -> Result<Vec<ComponentName>, Trouble> {
        let mut spaces = Vec::new();
        if self.expiring.is_empty()? {
            return Ok(spaces);
        }
        for row in self.usage.iter()? {
            let space = space_of(row?.0.value())?;
            let (start, end) = (space_start(&space), expired_end(&space, now));
            let mut rows = self.expiring.range(start.as_slice()..end.as_slice())?;
            if rows.next().transpose()?.is_some() {
                spaces.push(space);
            }
        }
        Ok(spaces)
    }
}

/// All rows before it have expired.
pub(super) fn expired_end(space: &ComponentName, now: Timestamp) -> Vec<u8> {
    let next = Timestamp::from_millis(now.as_millis().saturating_add(1));
    expiry(space, next, "")
}

fn to_record(name: &[u8], held: Held) -> Result<Record, StoreError> {
    let (space, key) = split_name(name)?;
    Ok(Record {
        space,
        key,
        value: held.value,
        expires: held.expires,
    })
}
