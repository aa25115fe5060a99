//! The stores as guests and operators meet them: measured.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::core::{Backup, KvStore, StoreName, StoreSpec, Stores};
use crate::monitoring::{MeasuredBackup, MeasuredStore};
use crate::storage::StoreSet;

/// Every store of the configuration.
pub(crate) struct NodeStores {
    set: StoreSet,
    measured: ArcSwap<BTreeMap<StoreName, Measured>>,
}

#[derive(Clone)]
struct Measured {
    plain: Arc<dyn KvStore>,
    measured: Arc<dyn KvStore>,
    backup: Option<Arc<dyn Backup>>,
}

impl NodeStores {
    /// Opens every store. One that is damaged is there, and says so whenever it is used.
    ///
    /// # Errors
    /// The directory for stores cannot be made.
    pub fn open(dir: &Path, specs: &BTreeMap<StoreName, StoreSpec>) -> io::Result<Arc<Self>> {
        let stores = Self {
            set: StoreSet::open(dir, specs)?,
            measured: ArcSwap::default(),
        };
        stores.measure();
        Ok(Arc::new(stores))
    }

    /// Takes another configuration; what stays is not closed.
    ///
    /// # Errors
    /// The directory for stores is gone.
    pub fn follow(&self, specs: &BTreeMap<StoreName, StoreSpec>) -> io::Result<()> {
        self.set.reconfigure(specs)?;
        self.measure();
        Ok(())
    }

    fn measure(&self) {
        let known = self.measured.load();
        let names = self.set.names().into_iter();
        let stores = names.filter_map(|name| {
            let plain = self.set.store(&name)?;
            let same = known.get(&name).filter(|it| Arc::ptr_eq(&it.plain, &plain));
            let store = match same {
                Some(same) => same.clone(),
                None => Measured {
                    measured: MeasuredStore::around(plain.clone()),
                    backup: (self.set.backup(&name))
                        .map(|backup| MeasuredBackup::around(backup, plain.backend())),
                    plain,
                },
            };
            Some((name, store))
        });
        self.measured.store(Arc::new(stores.collect()));
    }
}

impl Stores for NodeStores {
    fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>> {
        let stores = self.measured.load();
        stores.get(name).map(|it| it.measured.clone())
    }

    fn backup(&self, name: &StoreName) -> Option<Arc<dyn Backup>> {
        let stores = self.measured.load();
        stores.get(name).and_then(|it| it.backup.clone())
    }

    fn names(&self) -> Vec<StoreName> {
        self.measured.load().keys().cloned().collect()
    }
}
