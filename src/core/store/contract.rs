//! A store as everybody meets it. What stands behind it, a file, memory or a cluster, nobody can
//! tell but by how long it takes, and by two promises that a store of many machines may weaken:
//!
//! * *All of one moment.* [`KvStore::get_many`] and [`KvStore::keys`] may put together what each
//!   key had at some time during the call; [`KvStore::usage`] and [`KvStore::spaces`] may lag.
//! * *All or nothing.* [`KvStore::write`] of more than one key may be seen half made by others
//!   while it is under way. It may not stay so: who is told that it is done finds all of it, and
//!   who is told of an error, except [`StoreError::Unknown`], finds none of it.
//!
//! Nothing else gives way. A single key is never half written; `increment` and `swap` let nobody
//! come between; who was told that a write is done reads it, from wherever they ask next; and a
//! backend that cannot find out what became of a write says [`StoreError::Unknown`]. Nobody acts
//! on the difference, so no backend is asked for it: its documentation says what it weakens.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Key, Quota, StoreBackend, StoreError, StoreName};
use crate::core::{ComponentName, Timestamp};

pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Every record of a store, one after the other.
pub type Records = mpsc::Receiver<Result<Record, StoreError>>;

/// Keys with values, each in the namespace of one component. Who writes and is told that it is
/// done can rely on it, as far as the backend lasts. A future that is dropped may or may not have
/// had its effect, but never half of it.
pub trait KvStore: Send + Sync + 'static {
    fn backend(&self) -> StoreBackend;

    fn quota(&self) -> Quota;

    fn get<'a>(&'a self, space: &'a ComponentName, key: &'a Key)
    -> StoreFuture<'a, Option<Stored>>;

    /// One answer for each key, all of one moment. At most 1,000 keys.
    fn get_many<'a>(
        &'a self,
        space: &'a ComponentName,
        keys: &'a [Key],
    ) -> StoreFuture<'a, Vec<Option<Stored>>>;

    /// Makes all writes, in their order, or none. At most 1,000. Answers how many keys that there
    /// were are gone.
    fn write<'a>(&'a self, space: &'a ComponentName, writes: Vec<Write>) -> StoreFuture<'a, u64>;

    /// Adds to a number in decimal text, and answers the sum; a key without a value counts as 0,
    /// and a number that expires keeps its time. A sum below `least` is not written:
    /// [`StoreError::Overflow`]. Nobody comes between.
    fn add<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
        least: i64,
    ) -> StoreFuture<'a, i64>;

    /// Adds to a number, however small the sum.
    fn increment<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
    ) -> StoreFuture<'a, i64> {
        self.add(space, key, delta, i64::MIN)
    }

    /// Writes only if the key still has this revision; `None`: only if it has no value.
    fn swap<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        expected: Option<Revision>,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, Swap>;

    /// Keys that begin with `prefix`, in the order of their bytes, after `after`. At most
    /// `limit`, and at most 1,000.
    fn keys<'a>(
        &'a self,
        space: &'a ComponentName,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreFuture<'a, KeyPage>;

    fn usage<'a>(&'a self, space: &'a ComponentName) -> StoreFuture<'a, Usage>;

    /// All namespaces with a value, by name.
    fn spaces(&self) -> StoreFuture<'_, Vec<(ComponentName, Usage)>>;
}

/// A store as a whole, to be saved and brought back by whoever has it to themselves. What
/// several nodes share has backups of its own, and none of these.
pub trait Backup: Send + Sync + 'static {
    /// Everything, as it is at one moment, while others go on. The moment is kept as long as the
    /// reader takes, so a reader that is too slow is told so and ended.
    fn export(&self) -> StoreFuture<'_, Records>;

    /// Replaces everything by these records, at once, or nothing. Answers how many there were.
    /// Quotas do not count; what is kept in memory is bounded all the same.
    fn import(&self, records: Records) -> StoreFuture<'_, u64>;
}

/// All stores, by name.
pub trait Stores: Send + Sync + 'static {
    fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>>;

    /// `None`: there is no such store, or its backend has backups of its own.
    fn backup(&self, _name: &StoreName) -> Option<Arc<dyn Backup>> {
        None
    }

    fn names(&self) -> Vec<StoreName>;
}

/// A value as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub value: Bytes,
    pub revision: Revision,
    /// When it will be gone.
    pub expires: Option<Timestamp>,
}

/// Which write made a value: no two values that a key ever has share one. Only equality means
/// anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Set {
        key: Key,
        value: Bytes,
        /// `None`: it stays.
        ttl: Option<Duration>,
    },
    Delete {
        key: Key,
    },
}

/// What became of a swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    Swapped(Revision),
    /// Nothing was written; this is what the key has now.
    Changed(Option<Stored>),
}

/// Some of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPage {
    pub keys: Vec<Key>,
    /// There are more after the last of them.
    pub more: bool,
}

/// What a component has in a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of keys and values together.
    pub bytes: u64,
    pub keys: u64,
}

/// A value with everything that belongs to it, outside of any store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub space: ComponentName,
    pub key: Key,
    pub value: Bytes,
    pub expires: Option<Timestamp>,
}
