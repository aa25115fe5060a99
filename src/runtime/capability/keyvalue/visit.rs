//! One call of a guest at one of its stores: what all interfaces have in common. Nothing is
//! formatted unless something goes wrong.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Refusal;
use super::bucket::Opened;
use crate::core::{
    ByteSize, ComponentName, Key, KeyPage, Quota, RequestId, Revision, StoreError, Stored, Swap,
    Usage, Write,
};

/// Keys of one call.
pub(super) const KEYS: usize = 1_000;
/// Bytes of keys and values in one answer.
const ANSWER: ByteSize = ByteSize(16 << 20);
/// Keys that are read before what they come to is looked at: so many values of the largest
/// size may be in memory beyond `ANSWER`.
const STRIDE: usize = 16;
/// What is to last longer lasts this long.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Keys, and what they have.
pub(super) type Entries = Vec<Option<(String, Vec<u8>)>>;

type Result<T> = std::result::Result<T, Refusal>;

pub(super) struct Visit {
    pub opened: Arc<Opened>,
    pub request: RequestId,
}

impl Visit {
    fn space(&self) -> &ComponentName {
        &self.opened.recipe.component
    }

    fn may_write(&self) -> Result<()> {
        self.opened.may_write(self.request)
    }

    fn heard<T>(&self, result: std::result::Result<T, StoreError>) -> Result<T> {
        result.map_err(|error| {
            self.opened.report(&error, self.request);
            error.into()
        })
    }

    pub async fn get(&self, key: &str) -> Result<Option<Stored>> {
        self.read(&key.parse()?).await
    }

    pub async fn read(&self, key: &Key) -> Result<Option<Stored>> {
        self.heard(self.opened.store.get(self.space(), key).await)
    }

    /// Answers how many keys that there were are gone.
    async fn write(&self, writes: Vec<Write>) -> Result<u64> {
        self.heard(self.opened.store.write(self.space(), writes).await)
    }

    pub async fn set(&self, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Result<()> {
        self.may_write()?;
        let set = Write::Set {
            key: key.parse()?,
            value: value.into(),
            ttl: ttl.map(|ttl| ttl.min(LONGEST)),
        };
        self.write(vec![set]).await.map(drop)
    }

    /// Whether there was such a key.
    pub async fn delete(&self, key: &str) -> Result<bool> {
        self.may_write()?;
        let delete = Write::Delete { key: key.parse()? };
        Ok(self.write(vec![delete]).await? > 0)
    }

    pub async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<()> {
        let set = |(key, value): (String, Vec<u8>)| {
            Ok(Write::Set {
                key: key.parse()?,
                value: value.into(),
                ttl: None,
            })
        };
        self.write_many(entries, set).await
    }

    pub async fn delete_many(&self, keys: Vec<String>) -> Result<()> {
        let delete = |key: String| Ok(Write::Delete { key: key.parse()? });
        self.write_many(keys, delete).await
    }

    async fn write_many<T>(&self, all: Vec<T>, write: impl Fn(T) -> Result<Write>) -> Result<()> {
        self.may_write()?;
        few(&all)?;
        if all.is_empty() {
            return Ok(());
        }
        let writes: Result<Vec<_>> = all.into_iter().map(write).collect();
        self.write(writes?).await.map(drop)
    }

    /// In strides, since nobody knows beforehand how large the values are.
    pub async fn get_many(&self, keys: Vec<String>) -> Result<Entries> {
        few(&keys)?;
        let parsed: std::result::Result<Vec<Key>, _> = keys.iter().map(|key| key.parse()).collect();
        let parsed = parsed?;
        let mut keys = keys.into_iter();
        let mut entries = Entries::with_capacity(parsed.len());
        let mut left = ANSWER.0;
        for stride in parsed.chunks(STRIDE) {
            let values = self.opened.store.get_many(self.space(), stride).await;
            for (stored, key) in self.heard(values)?.into_iter().zip(&mut keys) {
                let size = |it: &Stored| (key.len() + it.value.len()) as u64;
                let size = stored.as_ref().map_or(0, size);
                left = left.checked_sub(size).ok_or(Refusal::Answer(ANSWER))?;
                entries.push(stored.map(|it| (key, it.value.into())));
            }
        }
        Ok(entries)
    }

    /// A sum below `least` is not written.
    pub async fn add(&self, key: &str, delta: i64, least: i64) -> Result<i64> {
        self.may_write()?;
        let key = key.parse()?;
        let sum = self.opened.store.add(self.space(), &key, delta, least);
        self.heard(sum.await)
    }

    pub async fn swap(
        &self,
        key: &Key,
        expected: Option<Revision>,
        value: Vec<u8>,
    ) -> Result<Swap> {
        self.may_write()?;
        let value = Bytes::from(value);
        let store = &self.opened.store;
        let swap = store.swap(self.space(), key, expected, value, None);
        self.heard(swap.await)
    }

    pub async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<KeyPage> {
        let limit = limit.min(KEYS);
        let keys = self.opened.store.keys(self.space(), prefix, after, limit);
        self.heard(keys.await)
    }

    pub async fn usage(&self) -> Result<(Usage, Quota)> {
        let usage = self.heard(self.opened.store.usage(self.space()).await)?;
        Ok((usage, self.opened.store.quota()))
    }
}

fn few<T>(all: &[T]) -> Result<()> {
    match all.len() <= KEYS {
        true => Ok(()),
        false => Err(StoreError::TooMany(KEYS).into()),
    }
}
