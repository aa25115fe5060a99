//! What one operation may ask for, whatever the backend.

use crate::core::{ByteSize, Key, Record, StoreError, StoreSpec, Write};

use super::decide::Change;

/// Keys that one operation names or answers.
pub(super) const KEYS: usize = 1_000;

/// Bytes of the values that one `get_many` answers: it is memory of the host.
pub(super) const ANSWER: u64 = 64 << 20;

/// Bytes of everything that a restore brings into memory, where no disk is full at some time.
pub(super) const RESTORED: u64 = 1 << 30;
/// What a record takes in memory beside its names and its value, about.
pub(super) const BESIDE: u64 = 256;

/// Checks what needs no look at the store, before anything is queued.
pub(super) fn check(change: &Change, spec: &StoreSpec) -> Result<(), StoreError> {
    match change {
        Change::Write(writes) if writes.len() > KEYS => Err(StoreError::TooMany(KEYS)),
        Change::Write(writes) => writes.iter().try_for_each(|write| match write {
            Write::Set { value, .. } => check_value(value, spec),
            Write::Delete { .. } => Ok(()),
        }),
        Change::Add { .. } => Ok(()),
        Change::Swap { value, .. } => check_value(value, spec),
    }
}

fn check_value(value: &[u8], spec: &StoreSpec) -> Result<(), StoreError> {
    let size = ByteSize(value.len() as u64);
    match size > spec.max_value {
        true => Err(StoreError::TooLarge {
            size,
            limit: spec.max_value,
        }),
        false => Ok(()),
    }
}

pub(super) fn check_keys(keys: &[Key]) -> Result<(), StoreError> {
    match keys.len() > KEYS {
        true => Err(StoreError::TooMany(KEYS)),
        false => Ok(()),
    }
}

/// Counts the values of one answer together.
#[derive(Default)]
pub(super) struct Answer(u64);

impl Answer {
    /// # Errors
    /// The values together are more than one answer may have.
    pub fn add(&mut self, value: &[u8]) -> Result<(), StoreError> {
        self.0 += value.len() as u64;
        match self.0 > ANSWER {
            true => Err(StoreError::TooLarge {
                size: ByteSize(self.0),
                limit: ByteSize(ANSWER),
            }),
            false => Ok(()),
        }
    }
}

/// Counts the records of one restore together.
#[derive(Default)]
pub(super) struct Restored(u64);

impl Restored {
    /// # Errors
    /// The records together are more than is taken into memory.
    pub fn add(&mut self, record: &Record) -> Result<(), StoreError> {
        let names = record.space.as_str().len() + record.key.as_str().len();
        self.0 += (names + record.value.len()) as u64 + BESIDE;
        match self.0 > RESTORED {
            true => Err(StoreError::TooLarge {
                size: ByteSize(self.0),
                limit: ByteSize(RESTORED),
            }),
            false => Ok(()),
        }
    }
}
