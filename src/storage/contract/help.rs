//! Both stores at once, and short ways to write and read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use crate::core::{Backup, ComponentName, Key, KvStore, Record, Records, StoreSpec, Write};
use crate::storage::clock::{Hands, StoreClock};
use crate::storage::embedded::EmbeddedStore;
use crate::storage::memory::MemoryStore;

/// Both stores, and the clock that they go by.
pub struct Both {
    pub stores: [Arc<dyn KvStore>; 2],
    pub backups: [Arc<dyn Backup>; 2],
    pub hands: Arc<Hands>,
    _dir: TempDir,
}

impl Both {
    pub fn new(spec: StoreSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hands = Hands::at(1_000_000_000_000);
        let clock = || StoreClock::new(hands.clone());
        let memory = MemoryStore::with_clock(spec.clone(), clock());
        let name = "default".parse().unwrap();
        let file = EmbeddedStore::open_with_clock(dir.path(), &name, spec, clock()).unwrap();
        let (memory, file) = (Arc::new(memory), Arc::new(file));
        Self {
            stores: [memory.clone(), file.clone()],
            backups: [memory, file],
            hands,
            _dir: dir,
        }
    }

    pub fn with_defaults() -> Self {
        Self::new(StoreSpec::default())
    }
}

pub fn cart() -> ComponentName {
    "cart".parse().unwrap()
}

pub fn key(text: &str) -> Key {
    text.parse().unwrap()
}

pub fn set(key: &str, value: &str) -> Write {
    set_for(key, value, None)
}

pub fn set_for(key: &str, value: &str, millis: Option<u64>) -> Write {
    Write::Set {
        key: key.parse().unwrap(),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ttl: millis.map(Duration::from_millis),
    }
}

pub fn delete(key: &str) -> Write {
    let key = key.parse().unwrap();
    Write::Delete { key }
}

pub async fn value(store: &dyn KvStore, text: &str) -> Option<String> {
    let stored = store.get(&cart(), &key(text)).await.unwrap();
    stored.map(|stored| String::from_utf8(stored.value.to_vec()).unwrap())
}

pub async fn listed(
    store: &dyn KvStore,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> String {
    let page = store.keys(&cart(), prefix, after, limit).await.unwrap();
    let mut keys: Vec<&str> = page.keys.iter().map(Key::as_str).collect();
    if page.more {
        keys.push("…");
    }
    keys.join(" ")
}

pub async fn all(mut records: Records) -> Vec<Record> {
    let mut all = Vec::new();
    while let Some(record) = records.recv().await {
        all.push(record.unwrap());
    }
    all
}
