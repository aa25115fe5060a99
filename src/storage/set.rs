//! All stores of a node, by name, as the configuration has them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::embedded::{EmbeddedStore, make_dir};
use super::memory::MemoryStore;
use crate::core::{Backup, KvStore, StoreBackend, StoreName, StoreSpec, Stores};

/// The stores. They change together, at a reload.
pub struct StoreSet {
    dir: PathBuf,
    stores: ArcSwap<BTreeMap<StoreName, AnyStore>>,
    /// Stores that are not named any more, and may still be in use: a file is open once.
    left: Mutex<BTreeMap<StoreName, Weak<EmbeddedStore>>>,
}

#[derive(Clone)]
enum AnyStore {
    Memory(Arc<MemoryStore>),
    Embedded(Arc<EmbeddedStore>),
}

impl AnyStore {
    fn backend(&self) -> StoreBackend {
        match self {
            Self::Memory(_) => StoreBackend::Memory,
            Self::Embedded(_) => StoreBackend::Embedded,
        }
    }

    fn configure(&self, spec: &StoreSpec) {
        match self {
            Self::Memory(store) => store.configure(spec.clone()),
            Self::Embedded(store) => store.configure(spec.clone()),
        }
    }

    fn shared(&self) -> Arc<dyn KvStore> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Embedded(store) => store.clone(),
        }
    }

    fn backup(&self) -> Arc<dyn Backup> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Embedded(store) => store.clone(),
        }
    }
}

impl StoreSet {
    /// Opens all stores; embedded ones are files in `dir`, which is made. Blocks on the disk,
    /// about a second a gigabyte. A store whose file cannot be opened is there, and answers every
    /// operation with an error that says what to do.
    ///
    /// # Errors
    /// The directory cannot be made, or a thread cannot be had.
    pub fn open(dir: &Path, specs: &BTreeMap<StoreName, StoreSpec>) -> io::Result<Self> {
        let set = Self {
            dir: dir.to_owned(),
            stores: ArcSwap::default(),
            left: Mutex::default(),
        };
        set.reconfigure(specs)?;
        Ok(set)
    }

    /// Takes another configuration: new stores are opened, those that stay take their quota and
    /// keep everything, those that are not named are closed when their last user is gone. Files
    /// stay. Blocks as [`StoreSet::open`] does.
    ///
    /// # Errors
    /// As at the start; all stores are as they were then.
    pub fn reconfigure(&self, specs: &BTreeMap<StoreName, StoreSpec>) -> io::Result<()> {
        // Also keeps two reloads from opening one file twice.
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.stores.load_full();
        let mut after = BTreeMap::new();
        for (name, spec) in specs {
            let store = before.get(name).cloned();
            let store = store.filter(|store| store.backend() == spec.backend);
            let store = match store {
                Some(store) => store,
                None => self.open_one(name, spec, &left)?,
            };
            after.insert(name.clone(), store);
        }
        for (name, spec) in specs {
            if let Some(store) = after.get(name) {
                store.configure(spec);
            }
        }
        left.retain(|_, store| store.strong_count() > 0);
        let gone = before.iter().filter(|(name, store)| {
            let stays = after.get(*name);
            stays.is_none_or(|after| after.backend() != store.backend())
        });
        for (name, store) in gone {
            if let AnyStore::Embedded(store) = store {
                left.insert(name.clone(), Arc::downgrade(store));
            }
        }
        self.stores.store(Arc::new(after));
        Ok(())
    }

    fn open_one(
        &self,
        name: &StoreName,
        spec: &StoreSpec,
        left: &BTreeMap<StoreName, Weak<EmbeddedStore>>,
    ) -> io::Result<AnyStore> {
        if spec.backend == StoreBackend::Memory {
            return Ok(AnyStore::Memory(Arc::new(MemoryStore::new(spec.clone()))));
        }
        if let Some(store) = left.get(name).and_then(Weak::upgrade) {
            return Ok(AnyStore::Embedded(store));
        }
        make_dir(&self.dir)?;
        let store = EmbeddedStore::open(&self.dir, name, spec.clone())?;
        Ok(AnyStore::Embedded(Arc::new(store)))
    }
}

impl Stores for StoreSet {
    fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>> {
        self.stores.load().get(name).map(AnyStore::shared)
    }

    fn backup(&self, name: &StoreName) -> Option<Arc<dyn Backup>> {
        self.stores.load().get(name).map(AnyStore::backup)
    }

    fn names(&self) -> Vec<StoreName> {
        self.stores.load().keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::core::{ByteSize, ComponentName, Key, Quota, StoreError, Write};

    fn specs(text: &str) -> BTreeMap<StoreName, StoreSpec> {
        let spec = |name: &str| match name.strip_prefix('m') {
            Some(_) => StoreSpec {
                backend: StoreBackend::Memory,
                ..StoreSpec::default()
            },
            None => StoreSpec::default(),
        };
        let names = text.split_whitespace();
        names
            .map(|name| (name.parse().unwrap(), spec(name)))
            .collect()
    }

    fn store(set: &StoreSet, name: &str) -> Arc<dyn KvStore> {
        set.store(&name.parse().unwrap()).unwrap()
    }

    fn cart() -> ComponentName {
        "cart".parse().unwrap()
    }

    async fn write(store: &dyn KvStore, key: &str) -> Result<u64, StoreError> {
        let (key, value) = (key.parse().unwrap(), "value".into());
        store
            .write(
                &cart(),
                vec![Write::Set {
                    key,
                    value,
                    ttl: None,
                }],
            )
            .await
    }

    /// Also waits for a file that the store before it is still closing.
    async fn has(store: &dyn KvStore, key: &str) -> bool {
        let (key, began): (Key, _) = (key.parse().unwrap(), Instant::now());
        loop {
            match store.get(&cart(), &key).await {
                Err(StoreError::Unavailable(_)) if began.elapsed() < Duration::from_secs(20) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                stored => return stored.unwrap().is_some(),
            }
        }
    }

    #[tokio::test]
    async fn a_reload_keeps_what_stays_and_takes_its_quota() {
        let dir = tempfile::tempdir().unwrap();
        let set = StoreSet::open(dir.path(), &specs("file mem")).unwrap();
        for name in ["file", "mem"] {
            write(&*store(&set, name), "a").await.unwrap();
        }
        let mut after = specs("file mem new");
        let quota = Quota {
            bytes: ByteSize(6),
            keys: 1,
        };
        after.values_mut().for_each(|spec| spec.quota = quota);
        set.reconfigure(&after).unwrap();
        for name in ["file", "mem"] {
            let store = store(&set, name);
            assert!(has(&*store, "a").await);
            assert_eq!(store.quota(), quota);
            assert!(write(&*store, "b").await.is_err());
        }
        assert_eq!(set.names().len(), 3);
        write(&*store(&set, "new"), "a").await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_is_not_named_any_more_serves_those_who_have_it_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let set = StoreSet::open(dir.path(), &specs("file")).unwrap();
        let user = store(&set, "file");
        set.reconfigure(&specs("")).unwrap();
        assert!(set.store(&"file".parse().unwrap()).is_none());
        write(&*user, "a").await.unwrap();
        set.reconfigure(&specs("file")).unwrap();
        let again = store(&set, "file");
        assert!(has(&*again, "a").await);
        write(&*again, "b").await.unwrap();
        assert!(has(&*user, "b").await);
        drop((user, again));
        set.reconfigure(&specs("")).unwrap();
        set.reconfigure(&specs("file")).unwrap();
        assert!(has(&*store(&set, "file"), "b").await);
    }

    #[tokio::test]
    async fn another_backend_is_another_store_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let set = StoreSet::open(dir.path(), &specs("x")).unwrap();
        write(&*store(&set, "x"), "a").await.unwrap();
        let mut memory = specs("x");
        memory
            .values_mut()
            .for_each(|spec| spec.backend = StoreBackend::Memory);
        set.reconfigure(&memory).unwrap();
        assert!(!has(&*store(&set, "x"), "a").await);
        set.reconfigure(&specs("x")).unwrap();
        assert!(has(&*store(&set, "x"), "a").await);
    }

    #[tokio::test]
    async fn a_damaged_store_keeps_no_other_from_opening() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bad.redb"), "no store").unwrap();
        let set = StoreSet::open(dir.path(), &specs("bad good mem")).unwrap();
        assert!(matches!(
            write(&*store(&set, "bad"), "a").await,
            Err(StoreError::Corrupt(_))
        ));
        for name in ["good", "mem"] {
            write(&*store(&set, name), "a").await.unwrap();
        }
    }
}
