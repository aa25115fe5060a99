//! What a change does to a namespace, decided before anything is written: whoever refuses has
//! touched nothing. Both backends keep to these decisions.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::clock::StoreClock;
use crate::core::{
    ByteSize, Key, Quota, Revision, StoreError, Stored, Swap, Timestamp, Usage, Write,
};

/// What a caller wants changed.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write(Vec<Write>),
    Add {
        key: Key,
        delta: i64,
        /// A smaller sum is refused.
        least: i64,
    },
    Swap {
        key: Key,
        expected: Option<Revision>,
        value: Bytes,
        ttl: Option<Duration>,
    },
}

impl Change {
    /// Bytes of its keys and values.
    pub fn size(&self) -> u64 {
        let size = match self {
            Self::Write(writes) => writes.iter().map(size_of_write).sum(),
            Self::Add { key, .. } => key.as_str().len(),
            Self::Swap { key, value, .. } => key.as_str().len() + value.len(),
        };
        size as u64
    }

    /// Whether it may need room that was not needed before.
    pub fn may_grow(&self) -> bool {
        match self {
            Self::Write(writes) => writes.iter().any(|w| matches!(w, Write::Set { .. })),
            Self::Add { .. } | Self::Swap { .. } => true,
        }
    }
}

fn size_of_write(write: &Write) -> usize {
    match write {
        Write::Set { key, value, .. } => key.as_str().len() + value.len(),
        Write::Delete { key } => key.as_str().len(),
    }
}

/// What a change that was made answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Gone(u64),
    Sum(i64),
    Swap(Swap),
}

impl Reply {
    /// Each change has its own kind of answer, so this is never seen.
    pub fn unexpected(&self) -> StoreError {
        StoreError::Unavailable(format!("internal error: answered {self:?}"))
    }
}

/// A value that a key has, or had: it may have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub value: Bytes,
    pub revision: Revision,
    pub expires: Option<Timestamp>,
}

impl Held {
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    pub fn into_stored(self) -> Stored {
        Stored {
            value: self.value,
            revision: self.revision,
            expires: self.expires,
        }
    }
}

/// A namespace as it is now.
pub(super) trait Space {
    type Error: From<StoreError>;

    /// Also what has expired and was not swept yet.
    fn held(&self, key: &Key) -> Result<Option<Held>, Self::Error>;

    fn usage(&self) -> Result<Usage, Self::Error>;
}

/// What to write where.
#[derive(Debug)]
pub(super) struct Edit {
    pub key: Key,
    pub before: Option<Held>,
    pub after: Option<Held>,
}

/// A change that can be made.
#[derive(Debug)]
pub(super) struct Decision {
    pub edits: Vec<Edit>,
    /// Of the namespace, afterwards.
    pub usage: Usage,
    pub reply: Reply,
}

/// Decides a change completely. `revision` is the newest one of the store, and counts up.
///
/// # Errors
/// Those of [`Space`], and whatever keeps the change from being made.
pub(super) fn decide<S: Space>(
    space: &S,
    change: &Change,
    quota: Quota,
    now: Timestamp,
    revision: &mut u64,
) -> Result<Decision, S::Error> {
    let mut draft = Draft {
        space,
        now,
        revision,
        edits: BTreeMap::new(),
    };
    let reply = match change {
        Change::Write(writes) => draft.write(writes)?,
        Change::Add { key, delta, least } => draft.add(key, *delta, *least)?,
        Change::Swap {
            key,
            expected,
            value,
            ttl,
        } => draft.swap(key, *expected, value, *ttl)?,
    };
    draft.settle(quota, reply)
}

struct Draft<'a, S> {
    space: &'a S,
    now: Timestamp,
    revision: &'a mut u64,
    edits: BTreeMap<Key, Edit>,
}

impl<S: Space> Draft<'_, S> {
    fn write(&mut self, writes: &[Write]) -> Result<Reply, S::Error> {
        for write in writes {
            match write {
                Write::Set { key, value, ttl } => {
                    let expires = ttl.map(|ttl| StoreClock::after(self.now, ttl));
                    self.set(key, value.clone(), expires)?;
                }
                Write::Delete { key } => self.edit(key)?.after = None,
            }
        }
        let now = self.now;
        let is_there = |held: &Option<Held>| held.as_ref().is_some_and(|held| held.is_there(now));
        let edits = self.edits.values();
        let gone = edits.filter(|edit| is_there(&edit.before) && edit.after.is_none());
        Ok(Reply::Gone(gone.count() as u64))
    }

    fn add(&mut self, key: &Key, delta: i64, least: i64) -> Result<Reply, S::Error> {
        let present = self.present(key)?;
        let (number, expires) = match &present {
            Some(held) => (number(&held.value)?, held.expires),
            None => (0, None),
        };
        let sum = number.checked_add(delta).filter(|sum| *sum >= least);
        let sum = sum.ok_or(StoreError::Overflow)?;
        self.set(key, Bytes::from(sum.to_string()), expires)?;
        Ok(Reply::Sum(sum))
    }

    fn swap(
        &mut self,
        key: &Key,
        expected: Option<Revision>,
        value: &Bytes,
        ttl: Option<Duration>,
    ) -> Result<Reply, S::Error> {
        let present = self.present(key)?;
        if present.as_ref().map(|held| held.revision) != expected {
            let present = present.map(Held::into_stored);
            return Ok(Reply::Swap(Swap::Changed(present)));
        }
        let expires = ttl.map(|ttl| StoreClock::after(self.now, ttl));
        let revision = self.set(key, value.clone(), expires)?;
        Ok(Reply::Swap(Swap::Swapped(revision)))
    }

    fn present(&mut self, key: &Key) -> Result<Option<Held>, S::Error> {
        let held = self.space.held(key)?;
        Ok(held.filter(|held| held.is_there(self.now)))
    }

    fn set(
        &mut self,
        key: &Key,
        value: Bytes,
        expires: Option<Timestamp>,
    ) -> Result<Revision, S::Error> {
        *self.revision += 1;
        let revision = Revision(*self.revision);
        self.edit(key)?.after = Some(Held {
            value,
            revision,
            expires,
        });
        Ok(revision)
    }

    fn edit(&mut self, key: &Key) -> Result<&mut Edit, S::Error> {
        use std::collections::btree_map::Entry;
        match self.edits.entry(key.clone()) {
            Entry::Occupied(edit) => Ok(edit.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Edit {
                key: key.clone(),
                before: self.space.held(key)?,
                after: None,
            })),
        }
    }

    /// Who has too much already may still take away.
    fn settle(self, quota: Quota, reply: Reply) -> Result<Decision, S::Error> {
        let edits = self.edits.into_values();
        let edits: Vec<Edit> = edits
            .filter(|edit| edit.before.is_some() || edit.after.is_some())
            .collect();
        if edits.is_empty() {
            let usage = Usage::default();
            return Ok(Decision {
                edits,
                usage,
                reply,
            });
        }
        let before = self.space.usage()?;
        let usage = usage_after(before, &edits)?;
        if usage.bytes > quota.bytes.0 && usage.bytes > before.bytes {
            return Err(StoreError::QuotaBytes {
                wanted: ByteSize(usage.bytes),
                limit: quota.bytes,
            }
            .into());
        }
        if usage.keys > quota.keys && usage.keys > before.keys {
            return Err(StoreError::QuotaKeys { limit: quota.keys }.into());
        }
        Ok(Decision {
            edits,
            usage,
            reply,
        })
    }
}

/// # Errors
/// More is taken away than there was: the books are wrong.
pub(super) fn usage_after(before: Usage, edits: &[Edit]) -> Result<Usage, StoreError> {
    let mut usage = before;
    for edit in edits {
        let key = edit.key.as_str().len() as u64;
        if let Some(held) = &edit.after {
            usage.bytes += key + held.value.len() as u64;
            usage.keys += 1;
        }
    }
    for edit in edits {
        let key = edit.key.as_str().len() as u64;
        if let Some(held) = &edit.before {
            let bytes = usage.bytes.checked_sub(key + held.value.len() as u64);
            let keys = usage.keys.checked_sub(1);
            let (Some(bytes), Some(keys)) = (bytes, keys) else {
                let text = "more is stored than is accounted for";
                return Err(StoreError::Corrupt(text.into()));
            };
            usage = Usage { bytes, keys };
        }
    }
    Ok(usage)
}

fn number(value: &[u8]) -> Result<i64, StoreError> {
    let text = std::str::from_utf8(value).map_err(|_| StoreError::NotANumber)?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StoreError::NotANumber);
    }
    text.parse().map_err(|_| StoreError::NotANumber)
}
