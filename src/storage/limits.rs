//! What one operation may ask for, whatever the backend.

use crate::core::{ByteSize, Key, StoreError, StoreSpec, Write};

use super::decide::Change;

/// Keys that one operation names or answers.
pub(super) const KEYS: usize = 1_000;

/// Bytes of the values that one `get_many` answers: it is memory of the host.
pub(super) const ANSWER: u64 = 64 << 20;

/// Checks what needs no look at the store, before anything is queued.
pub(super) fn check(change: &Change, spec: &StoreSpec) -> Result<(), StoreError> {
    match change {
        Change::Write(writes) if writes.len() > KEYS => Err(StoreError::TooMany(KEYS)),
        Change::Write(writes) => writes.iter().try_for_each(|write| match write {
            Write::Set { value, .. } => check_value(value, spec),
            Write::Delete { .. } => Ok(()),
        }),
        Change::Increment { .. } => Ok(()),
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
