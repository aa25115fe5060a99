//! All stores of a node, by name, as the configuration has them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::embedded::{EmbeddedStore, make_dir};
use super::memory::MemoryStore;
use crate::core::{KvStore, StoreBackend, StoreName, StoreSpec, Stores};

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

    fn names(&self) -> Vec<StoreName> {
        self.stores.load().keys().cloned().collect()
    }
}
