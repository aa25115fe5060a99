//! A store whose operations are measured: how long each takes, and why some have no effect. Of
//! backups only the errors are counted: they take as long as whoever reads or sends them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics::{Counter, Histogram};

use super::names;
use crate::core::{
    Backup, ComponentName, Key, KeyPage, KvStore, Quota, Records, Revision, StoreBackend,
    StoreError, StoreFuture, Stored, Swap, Usage, Write,
};

/// Measures what is asked of the store behind it; every handle is made once.
pub struct MeasuredStore {
    store: Arc<dyn KvStore>,
    operations: Operations,
    errors: Errors,
}

/// Counts what goes wrong with backups of a store, and with bringing them back.
pub struct MeasuredBackup {
    backup: Arc<dyn Backup>,
    errors: Errors,
}

/// A counter for each label.
struct Errors([(&'static str, Counter); LABELS.len()]);

/// Every label of [`StoreError`].
const LABELS: [&str; 8] = [
    "invalid_key",
    "too_large",
    "quota",
    "not_a_number",
    "corrupt",
    "unavailable",
    "unknown",
    "busy",
];

struct Operations {
    get: Histogram,
    get_many: Histogram,
    set: Histogram,
    delete: Histogram,
    write_many: Histogram,
    increment: Histogram,
    swap: Histogram,
    keys: Histogram,
}

impl Operations {
    fn new(backend: &'static str) -> Self {
        let of = |operation: &'static str| {
            let labels = [("backend", backend), ("operation", operation)];
            metrics::histogram!(names::KV_OPERATION, &labels)
        };
        Self {
            get: of("get"),
            get_many: of("get_many"),
            set: of("set"),
            delete: of("delete"),
            write_many: of("write_many"),
            increment: of("increment"),
            swap: of("swap"),
            keys: of("keys"),
        }
    }

    fn write(&self, writes: &[Write]) -> &Histogram {
        match writes {
            [Write::Set { .. }] => &self.set,
            [Write::Delete { .. }] => &self.delete,
            _ => &self.write_many,
        }
    }
}

impl Errors {
    fn new(backend: &'static str) -> Self {
        Self(LABELS.map(|error| {
            let labels = [("backend", backend), ("error", error)];
            (error, metrics::counter!(names::KV_ERRORS, &labels))
        }))
    }

    fn counted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| {
            let known = self.0.iter().find(|(label, _)| *label == error.label());
            if let Some((_, counter)) = known {
                counter.increment(1);
            }
        })
    }

    fn count<'a, T: 'a>(&'a self, operation: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move { self.counted(operation.await) })
    }
}

impl MeasuredBackup {
    /// The same backups, of a store with this backend, measured.
    pub fn around(backup: Arc<dyn Backup>, backend: StoreBackend) -> Arc<dyn Backup> {
        let errors = Errors::new(backend.as_str());
        Arc::new(Self { backup, errors })
    }
}

impl Backup for MeasuredBackup {
    fn export(&self) -> StoreFuture<'_, Records> {
        self.errors.count(self.backup.export())
    }

    fn import(&self, records: Records) -> StoreFuture<'_, u64> {
        self.errors.count(self.backup.import(records))
    }
}

impl MeasuredStore {
    /// The same store, measured.
    pub fn around(store: Arc<dyn KvStore>) -> Arc<dyn KvStore> {
        let backend = store.backend().as_str();
        Arc::new(Self {
            operations: Operations::new(backend),
            errors: Errors::new(backend),
            store,
        })
    }

    /// An operation that nobody waits for any more is not measured.
    fn measured<'a, T: 'a>(
        &'a self,
        histogram: &'a Histogram,
        operation: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let begun = Instant::now();
            let result = operation.await;
            histogram.record(begun.elapsed());
            self.errors.counted(result)
        })
    }
}

impl KvStore for MeasuredStore {
    fn backend(&self) -> StoreBackend {
        self.store.backend()
    }

    fn quota(&self) -> Quota {
        self.store.quota()
    }

    fn get<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
    ) -> StoreFuture<'a, Option<Stored>> {
        self.measured(&self.operations.get, self.store.get(space, key))
    }

    fn get_many<'a>(
        &'a self,
        space: &'a ComponentName,
        keys: &'a [Key],
    ) -> StoreFuture<'a, Vec<Option<Stored>>> {
        self.measured(&self.operations.get_many, self.store.get_many(space, keys))
    }

    fn write<'a>(&'a self, space: &'a ComponentName, writes: Vec<Write>) -> StoreFuture<'a, u64> {
        let histogram = self.operations.write(&writes);
        self.measured(histogram, self.store.write(space, writes))
    }

    fn add<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
        least: i64,
    ) -> StoreFuture<'a, i64> {
        let sum = self.store.add(space, key, delta, least);
        self.measured(&self.operations.increment, sum)
    }

    fn swap<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        expected: Option<Revision>,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, Swap> {
        let swap = self.store.swap(space, key, expected, value, ttl);
        self.measured(&self.operations.swap, swap)
    }

    fn keys<'a>(
        &'a self,
        space: &'a ComponentName,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreFuture<'a, KeyPage> {
        let keys = self.store.keys(space, prefix, after, limit);
        self.measured(&self.operations.keys, keys)
    }

    fn usage<'a>(&'a self, space: &'a ComponentName) -> StoreFuture<'a, Usage> {
        self.errors.count(self.store.usage(space))
    }

    fn spaces(&self) -> StoreFuture<'_, Vec<(ComponentName, Usage)>> {
        self.errors.count(self.store.spaces())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ByteSize, KeyError};

    #[test]
    fn every_error_has_a_counter() {
        let size = ByteSize(1);
        for error in [
            StoreError::Key(KeyError::Empty),
            StoreError::TooLarge { size, limit: size },
            StoreError::TooMany(1),
            StoreError::QuotaBytes {
                wanted: size,
                limit: size,
            },
            StoreError::QuotaKeys { limit: 1 },
            StoreError::NotANumber,
            StoreError::Overflow,
            StoreError::Corrupt(String::new()),
            StoreError::Unavailable(String::new()),
            StoreError::Unknown(String::new()),
            StoreError::Busy,
        ] {
            assert!(LABELS.contains(&error.label()), "{error}");
        }
    }
}
