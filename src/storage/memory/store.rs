//! The backend `memory`, as everybody meets it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::super::clock::StoreClock;
use super::super::decide::{Change, Reply, Space as _};
use super::super::feed::Feed;
use super::super::limits::{self, Answer, Restored};
use super::content::{Content, Present};
use crate::core::{
    Backup, ComponentName, Key, KeyPage, KvStore, Quota, Records, Revision, StoreBackend,
    StoreError, StoreFuture, StoreSpec, Stored, Swap, Usage, Write,
};

/// The backend `memory`.
pub struct MemoryStore {
    spec: ArcSwap<StoreSpec>,
    clock: StoreClock,
    content: RwLock<Content>,
}

impl MemoryStore {
    pub fn new(spec: StoreSpec) -> Self {
        Self::with_clock(spec, StoreClock::of_this_machine())
    }

    pub(in crate::storage) fn with_clock(spec: StoreSpec, clock: StoreClock) -> Self {
        Self {
            spec: ArcSwap::from_pointee(spec),
            clock,
            content: RwLock::default(),
        }
    }

    /// Takes another quota and size of values; what is there stays.
    pub fn configure(&self, spec: StoreSpec) {
        self.spec.store(Arc::new(spec));
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, space: &ComponentName, change: &Change) -> Result<Reply, StoreError> {
        let spec = self.spec.load();
        limits::check(change, &spec)?;
        let now = self.clock.now();
        self.lock().change(space, change, spec.quota, now)
    }
}

impl KvStore for MemoryStore {
    fn backend(&self) -> StoreBackend {
        StoreBackend::Memory
    }

    fn quota(&self) -> Quota {
        self.spec.load().quota
    }

    fn get<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
    ) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move { Ok(self.read().get(space, key, self.clock.now())) })
    }

    fn get_many<'a>(
        &'a self,
        space: &'a ComponentName,
        keys: &'a [Key],
    ) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            limits::check_keys(keys)?;
            let mut answer = Answer::default();
            let (content, now) = (self.read(), self.clock.now());
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let stored = content.get(space, key, now);
                answer.add(stored.as_ref().map_or(&[], |stored| &stored.value))?;
                values.push(stored);
            }
            Ok(values)
        })
    }

    fn write<'a>(&'a self, space: &'a ComponentName, writes: Vec<Write>) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            match self.change(space, &Change::Write(writes))? {
                Reply::Gone(gone) => Ok(gone),
                reply => Err(reply.unexpected()),
            }
        })
    }

    fn add<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
        least: i64,
    ) -> StoreFuture<'a, i64> {
        Box::pin(async move {
            let key = key.clone();
            match self.change(space, &Change::Add { key, delta, least })? {
                Reply::Sum(sum) => Ok(sum),
                reply => Err(reply.unexpected()),
            }
        })
    }

    fn swap<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        expected: Option<Revision>,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, Swap> {
        let change = Change::Swap {
            key: key.clone(),
            expected,
            value,
            ttl,
        };
        Box::pin(async move {
            match self.change(space, &change)? {
                Reply::Swap(swap) => Ok(swap),
                reply => Err(reply.unexpected()),
            }
        })
    }

    fn keys<'a>(
        &'a self,
        space: &'a ComponentName,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreFuture<'a, KeyPage> {
        Box::pin(async move {
            let (limit, now) = (limit.min(limits::KEYS), self.clock.now());
            Ok(self.read().keys(space, prefix, after, limit, now))
        })
    }

    fn usage<'a>(&'a self, space: &'a ComponentName) -> StoreFuture<'a, Usage> {
        Box::pin(async move { Present(self.read().spaces.get(space)).usage() })
    }

    fn spaces(&self) -> StoreFuture<'_, Vec<(ComponentName, Usage)>> {
        Box::pin(async move {
            let content = self.read();
            let spaces = content.spaces.iter();
            Ok(spaces
                .map(|(name, held)| (name.clone(), held.usage))
                .collect())
        })
    }
}

impl Backup for MemoryStore {
    fn export(&self) -> StoreFuture<'_, Records> {
        Box::pin(async move {
            let (moment, now) = (self.read().clone(), self.clock.now());
            let (mut feed, receiver) = Feed::out_of_a_store();
            tokio::spawn(async move {
                for record in moment.records(now) {
                    if let Err(error) = feed.send(record).await {
                        return feed.fail(error);
                    }
                }
                feed.complete();
            });
            Ok(receiver)
        })
    }

    fn import(&self, mut records: Records) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut successor = self.lock().successor();
            let (mut count, mut restored) = (0, Restored::default());
            while let Some(record) = records.recv().await {
                let record = record?;
                restored.add(&record)?;
                successor.put(record);
                count += 1;
            }
            let before = self.lock().replace(successor);
            // Where there was much, that takes a while.
            tokio::task::spawn_blocking(move || drop(before));
            Ok(count)
        })
    }
}
