//! A store that is gone with the process. Bounded by the quotas of those who use it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::clock::StoreClock;
use super::decide::{self, Change, Decision, Edit, Held, Reply, Space};
use super::feed::Feed;
use super::limits::{self, Answer};
use crate::core::{
    ComponentName, Key, KeyPage, KvStore, Quota, Record, Records, Revision, StoreBackend,
    StoreError, StoreFuture, StoreSpec, Stored, Swap, Timestamp, Usage, Write,
};

/// Expired values that a write takes away with it.
const SWEPT_BY_A_WRITE: usize = 64;
/// Expired values that a write takes away before it is refused for want of room.
const SWEPT_FOR_ROOM: usize = 10_000;

/// The backend `memory`.
pub struct MemoryStore {
    spec: ArcSwap<StoreSpec>,
    clock: StoreClock,
    content: RwLock<Content>,
}

#[derive(Default)]
struct Content {
    spaces: BTreeMap<ComponentName, Namespace>,
    /// Of all namespaces, by the time at which they are gone.
    expiring: BTreeSet<(Timestamp, ComponentName, Key)>,
    revision: u64,
}

#[derive(Default)]
struct Namespace {
    records: BTreeMap<Key, Held>,
    usage: Usage,
}

impl MemoryStore {
    pub fn new(spec: StoreSpec) -> Self {
        Self::with_clock(spec, StoreClock::of_this_machine())
    }

    pub(super) fn with_clock(spec: StoreSpec, clock: StoreClock) -> Self {
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

    fn replace(&self, records: Vec<Record>) -> u64 {
        let count = records.len() as u64;
        let mut content = self.lock();
        let revision = content.revision;
        *content = Content {
            revision,
            ..Content::default()
        };
        for record in records {
            content.put(record);
        }
        count
    }
}

/// A namespace that may not have anything yet.
struct Present<'a>(Option<&'a Namespace>);

impl Space for Present<'_> {
    type Error = StoreError;

    fn held(&self, key: &Key) -> Result<Option<Held>, StoreError> {
        Ok(self.0.and_then(|space| space.records.get(key)).cloned())
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        Ok(self.0.map(|space| space.usage).unwrap_or_default())
    }
}

impl Content {
    fn change(
        &mut self,
        space: &ComponentName,
        change: &Change,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        self.sweep(now, SWEPT_BY_A_WRITE);
        let mut decision = self.decide(space, change, quota, now);
        if matches!(
            decision,
            Err(StoreError::QuotaBytes { .. } | StoreError::QuotaKeys { .. })
        ) && self.sweep(now, SWEPT_FOR_ROOM) > 0
        {
            decision = self.decide(space, change, quota, now);
        }
        let decision = decision?;
        if !decision.edits.is_empty() {
            self.apply(space, decision.edits, decision.usage);
        }
        Ok(decision.reply)
    }

    fn decide(
        &mut self,
        space: &ComponentName,
        change: &Change,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let present = Present(self.spaces.get(space));
        decide::decide(&present, change, quota, now, &mut self.revision)
    }

    fn apply(&mut self, space: &ComponentName, edits: Vec<Edit>, usage: Usage) {
        let namespace = self.spaces.entry(space.clone()).or_default();
        for Edit { key, before, after } in edits {
            if let Some(expires) = before.and_then(|held| held.expires) {
                self.expiring.remove(&(expires, space.clone(), key.clone()));
            }
            let Some(held) = after else {
                namespace.records.remove(&key);
                continue;
            };
            if let Some(expires) = held.expires {
                self.expiring.insert((expires, space.clone(), key.clone()));
            }
            namespace.records.insert(key, held);
        }
        namespace.usage = usage;
        if usage.keys == 0 {
            self.spaces.remove(space);
        }
    }

    /// Takes away at most `limit` values that have expired. Answers how many there were.
    fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        for swept in 0..limit {
            match self.expiring.pop_first() {
                Some((expires, space, key)) if expires <= now => self.remove(&space, &key),
                Some(later) => {
                    self.expiring.insert(later);
                    return swept;
                }
                None => return swept,
            }
        }
        limit
    }

    fn remove(&mut self, space: &ComponentName, key: &Key) {
        let Some(namespace) = self.spaces.get_mut(space) else {
            return;
        };
        if let Some(held) = namespace.records.remove(key) {
            namespace.usage.bytes -= (key.as_str().len() + held.value.len()) as u64;
            namespace.usage.keys -= 1;
        }
        if namespace.usage.keys == 0 {
            self.spaces.remove(space);
        }
    }

    /// A record of a backup, whose keys are all different.
    fn put(&mut self, record: Record) {
        self.revision += 1;
        let Record {
            space,
            key,
            value,
            expires,
        } = record;
        if let Some(expires) = expires {
            self.expiring.insert((expires, space.clone(), key.clone()));
        }
        let namespace = self.spaces.entry(space).or_default();
        let (bytes, revision) = (key.as_str().len() + value.len(), Revision(self.revision));
        let held = Held {
            value,
            revision,
            expires,
        };
        namespace.usage.bytes += bytes as u64;
        match namespace.records.insert(key.clone(), held) {
            Some(before) => {
                namespace.usage.bytes -= (key.as_str().len() + before.value.len()) as u64;
            }
            None => namespace.usage.keys += 1,
        }
    }

    fn get(&self, space: &ComponentName, key: &Key, now: Timestamp) -> Option<Stored> {
        let held = self.spaces.get(space)?.records.get(key)?;
        held.is_there(now).then(|| held.clone().into_stored())
    }

    fn keys(
        &self,
        space: &ComponentName,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> KeyPage {
        let Some(space) = self.spaces.get(space) else {
            return KeyPage::default();
        };
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let records = space.records.range::<str, _>((from, Bound::Unbounded));
        let mut keys = records
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .filter(|(_, held)| held.is_there(now))
            .map(|(key, _)| key.clone());
        let page: Vec<Key> = keys.by_ref().take(limit).collect();
        KeyPage {
            more: keys.next().is_some(),
            keys: page,
        }
    }

    fn records(&self, now: Timestamp) -> Vec<Record> {
        let spaces = self.spaces.iter();
        let all = spaces.flat_map(|(space, held)| held.records.iter().map(move |r| (space, r)));
        let present = all.filter(|(_, (_, held))| held.is_there(now));
        let record = |(space, (key, held)): (&ComponentName, (&Key, &Held))| Record {
            space: space.clone(),
            key: key.clone(),
            value: held.value.clone(),
            expires: held.expires,
        };
        present.map(record).collect()
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

    fn increment<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
    ) -> StoreFuture<'a, i64> {
        Box::pin(async move {
            let key = key.clone();
            match self.change(space, &Change::Increment { key, delta })? {
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

    fn export(&self) -> StoreFuture<'_, Records> {
        Box::pin(async move {
            let records = self.read().records(self.clock.now());
            let (mut feed, receiver) = Feed::new();
            tokio::spawn(async move {
                for record in records {
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
            let mut all = Vec::new();
            while let Some(record) = records.recv().await {
                all.push(record?);
            }
            Ok(self.replace(all))
        })
    }
}
