//! Everything that a store in memory has, and how it changes.
//!
//! Its trees share what they have in common, so a clone is a moment of the store that costs
//! nothing and that no write changes.

use std::ops::Bound;

use imbl::{OrdMap, OrdSet};

use super::super::decide::{self, Change, Decision, Edit, Held, Reply, Space};
use super::super::limits;
use crate::core::{
    ComponentName, Key, KeyPage, Quota, Record, Revision, StoreError, Stored, Timestamp, Usage,
};

/// Expired values that a write takes away with it.
const SWEPT_BY_A_WRITE: usize = 64;
/// Expired values that a write takes away before it is refused for want of room.
const SWEPT_FOR_ROOM: usize = 10_000;

/// Revisions that are set aside for what a restore brings: it never brings more.
const OF_A_RESTORE: u64 = limits::RESTORED / limits::BESIDE;

#[derive(Default, Clone)]
pub(super) struct Content {
    pub spaces: OrdMap<ComponentName, Namespace>,
    /// Of all namespaces, by the time at which they are gone.
    expiring: OrdSet<(Timestamp, ComponentName, Key)>,
    revision: u64,
}

#[derive(Default, Clone)]
pub(super) struct Namespace {
    records: OrdMap<Key, Held>,
    pub usage: Usage,
}

/// A namespace that may not have anything yet.
pub(super) struct Present<'a>(pub Option<&'a Namespace>);

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
    pub fn change(
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
            let Some((expires, space, key)) = self.expiring.get_min().cloned() else {
                return swept;
            };
            if expires > now {
                return swept;
            }
            self.expiring.remove(&(expires, space.clone(), key.clone()));
            self.remove(&space, &key);
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

    /// What is to take the place of this, empty: no revision is ever in both.
    pub fn successor(&mut self) -> Self {
        let revision = self.revision;
        self.revision += OF_A_RESTORE;
        Self {
            revision,
            ..Self::default()
        }
    }

    /// Takes what a successor has, and answers what there was.
    pub fn replace(&mut self, mut successor: Self) -> Self {
        successor.revision = successor.revision.max(self.revision);
        std::mem::replace(self, successor)
    }

    pub fn put(&mut self, record: Record) {
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

    pub fn get(&self, space: &ComponentName, key: &Key, now: Timestamp) -> Option<Stored> {
        let held = self.spaces.get(space)?.records.get(key)?;
        held.is_there(now).then(|| held.clone().into_stored())
    }

    pub fn keys(
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
        let records = space.records.range::<_, str>((from, Bound::Unbounded));
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

    /// In their order.
    pub fn records(&self, now: Timestamp) -> impl Iterator<Item = Record> {
        let spaces = self.spaces.iter();
        let all = spaces.flat_map(|(space, held)| held.records.iter().map(move |r| (space, r)));
        let present = all.filter(move |(_, (_, held))| held.is_there(now));
        present.map(|(space, (key, held))| Record {
            space: space.clone(),
            key: key.clone(),
            value: held.value.clone(),
            expires: held.expires,
        })
    }
}
