//! What a store costs, beside redb itself with the same keys and values. See benches/README.md.
//!
//! Writes are durable: they measure the disk that `TMPDIR` is on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use airgate::core::{ByteSize, ComponentName, Key, KvStore, Quota, StoreSpec, Write};
use airgate::storage::{EmbeddedStore, MemoryStore};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group! {
    name = stores;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = get, set, set_together, increment, open
}
criterion_main!(stores);

const KEYS: usize = 100_000;
const WRITERS: usize = 32;
const TABLE: TableDefinition<&str, &[u8]> = TableDefinition::new("raw");
/// What a store keeps beside its values, and writes with every commit: what each component has,
/// and the state of the whole.
const USAGE: TableDefinition<&str, (u64, u64)> = TableDefinition::new("usage");
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");

/// How redb is used by itself.
#[derive(Clone, Copy)]
struct Raw {
    two_phase: bool,
    /// Also writes what a store keeps beside its values.
    books: bool,
}

const RAW: [(&str, Raw); 3] = [
    ("raw redb, one phase", raw_with(false, false)),
    ("raw redb, two phases", raw_with(true, false)),
    ("raw redb, two phases and books", raw_with(true, true)),
];

const fn raw_with(two_phase: bool, books: bool) -> Raw {
    Raw { two_phase, books }
}

fn spec() -> StoreSpec {
    let quota = Quota {
        bytes: ByteSize(1 << 30),
        keys: 1_000_000,
    };
    StoreSpec {
        quota,
        ..StoreSpec::default()
    }
}

fn space() -> ComponentName {
    "cart".parse().unwrap()
}

fn key(number: usize) -> Key {
    format!("user-{:06}", number % KEYS).parse().unwrap()
}

fn value() -> Bytes {
    Bytes::from_static(&[7; 100])
}

fn write(number: usize) -> Write {
    Write::Set {
        key: key(number),
        value: value(),
        ttl: None,
    }
}

/// A number that visits all keys, far apart.
fn next(number: &mut usize) -> usize {
    *number = (*number + 7_919) % KEYS;
    *number
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn embedded(dir: &Path) -> Arc<EmbeddedStore> {
    let name = "default".parse().unwrap();
    Arc::new(EmbeddedStore::open(dir, &name, spec()).unwrap())
}

fn fill(runtime: &Runtime, store: &dyn KvStore) {
    for first in (0..KEYS).step_by(1_000) {
        let writes = (first..first + 1_000).map(write).collect();
        runtime.block_on(store.write(&space(), writes)).unwrap();
    }
}

fn raw(dir: &Path) -> Database {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(32 << 20);
    let database = builder.create(dir.join("raw.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(TABLE).unwrap();
    for number in 0..KEYS {
        table.insert(key(number).as_str(), &value()[..]).unwrap();
    }
    drop(table);
    transaction.commit().unwrap();
    database
}

fn raw_get(database: &Database, key: &Key) -> Bytes {
    let read = database.begin_read().unwrap();
    let table = read.open_table(TABLE).unwrap();
    let value = redb::ReadableTable::get(&table, key.as_str())
        .unwrap()
        .unwrap();
    Bytes::copy_from_slice(value.value())
}

fn raw_set(database: &Database, key: &Key, raw: Raw) {
    raw_write(database, raw, |table| {
        table.insert(key.as_str(), &value()[..]).unwrap();
    });
}

fn raw_write(database: &Database, raw: Raw, write: impl FnOnce(&mut Table<&str, &[u8]>)) {
    let mut transaction = database.begin_write().unwrap();
    transaction.set_two_phase_commit(raw.two_phase);
    write(&mut transaction.open_table(TABLE).unwrap());
    if raw.books {
        let mut usage = transaction.open_table(USAGE).unwrap();
        usage.insert("cart", (1, 1)).unwrap();
        let mut state = transaction.open_table(STATE).unwrap();
        state.insert("state", &[7; 24][..]).unwrap();
    }
    transaction.commit().unwrap();
}

fn get(criterion: &mut Criterion) {
    let (dir, runtime, mut number) = (TempDir::new().unwrap(), runtime(), 0);
    let memory = MemoryStore::new(spec());
    let store = embedded(dir.path());
    let raw = raw(dir.path());
    fill(&runtime, &memory);
    fill(&runtime, &*store);
    let space = space();
    let mut group = criterion.benchmark_group("store get");
    let stores: [(&str, &dyn KvStore); 2] = [("memory", &memory), ("embedded", &*store)];
    for (name, store) in stores {
        group.bench_function(name, |bencher| {
            let _entered = runtime.enter();
            bencher.iter(|| {
                let key = key(next(&mut number));
                futures_util::FutureExt::now_or_never(store.get(&space, &key))
                    .unwrap()
                    .unwrap()
            });
        });
    }
    group.bench_function("raw redb", |bencher| {
        bencher.iter(|| raw_get(&raw, &key(next(&mut number))));
    });
    group.finish();
}

fn set(criterion: &mut Criterion) {
    let (dir, runtime, mut number) = (TempDir::new().unwrap(), runtime(), 0);
    let store = embedded(dir.path());
    let raw = raw(dir.path());
    fill(&runtime, &*store);
    let space = space();
    let mut group = criterion.benchmark_group("store durable set");
    group.bench_function("embedded", |bencher| {
        bencher.iter(|| {
            let write = vec![write(next(&mut number))];
            runtime.block_on(store.write(&space, write)).unwrap()
        });
    });
    for (name, how) in RAW {
        group.bench_function(name, |bencher| {
            bencher.iter(|| raw_set(&raw, &key(next(&mut number)), how));
        });
    }
    group.finish();
}

/// The time of one set among those of many writers.
fn set_together(criterion: &mut Criterion) {
    let (dir, runtime) = (TempDir::new().unwrap(), runtime());
    let store = embedded(dir.path());
    let raw = Arc::new(raw(dir.path()));
    fill(&runtime, &*store);
    let mut group = criterion.benchmark_group("store durable set, 32 writers");
    group.sample_size(10);
    group.bench_function("embedded", |bencher| {
        bencher.iter_custom(|sets| {
            let (left, begun) = (Arc::new(AtomicU64::new(sets)), Instant::now());
            let writer = |number: usize| {
                let (store, left, space) = (store.clone(), left.clone(), space());
                runtime.spawn(async move {
                    let mut number = number;
                    while take(&left) {
                        let write = vec![write(next(&mut number))];
                        store.write(&space, write).await.unwrap();
                    }
                })
            };
            let writers: Vec<_> = (0..WRITERS).map(writer).collect();
            for writer in writers {
                runtime.block_on(writer).unwrap();
            }
            begun.elapsed()
        });
    });
    group.bench_function("raw redb, two phases", |bencher| {
        bencher.iter_custom(|sets| {
            let (left, begun) = (AtomicU64::new(sets), Instant::now());
            std::thread::scope(|scope| {
                for first in 0..WRITERS {
                    let (left, raw) = (&left, &raw);
                    scope.spawn(move || {
                        let mut number = first;
                        while take(left) {
                            raw_set(raw, &key(next(&mut number)), raw_with(true, false));
                        }
                    });
                }
            });
            begun.elapsed()
        });
    });
    group.finish();
}

fn take(left: &AtomicU64) -> bool {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    taken.is_ok()
}

fn increment(criterion: &mut Criterion) {
    let (dir, runtime) = (TempDir::new().unwrap(), runtime());
    let memory = MemoryStore::new(spec());
    let store = embedded(dir.path());
    let raw = raw(dir.path());
    fill(&runtime, &*store);
    let (space, counter): (_, Key) = (space(), "counter".parse().unwrap());
    let mut group = criterion.benchmark_group("store increment");
    let stores: [(&str, &dyn KvStore); 2] = [("memory", &memory), ("embedded, durable", &*store)];
    for (name, store) in stores {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime
                    .block_on(store.increment(&space, &counter, 1))
                    .unwrap()
            });
        });
    }
    for (name, how) in RAW {
        group.bench_function(name, |bencher| {
            bencher.iter(|| raw_increment(&raw, counter.as_str(), how));
        });
    }
    group.finish();
}

fn raw_increment(database: &Database, counter: &str, raw: Raw) {
    raw_write(database, raw, |table| {
        let before = table.get(counter).unwrap().map_or(0, |value| {
            let text = std::str::from_utf8(value.value()).unwrap();
            text.parse::<i64>().unwrap()
        });
        let sum = (before + 1).to_string();
        table.insert(counter, sum.as_bytes()).unwrap();
    });
}

/// After a kill and after a good end alike: all of the file is verified.
fn open(criterion: &mut Criterion) {
    let (dir, runtime) = (TempDir::new().unwrap(), runtime());
    let store = embedded(dir.path());
    let batches = (0..100_usize).map(|batch| {
        let set = move |number| Write::Set {
            key: key(batch * 1_000 + number),
            value: vec![7; 600].into(),
            ttl: None,
        };
        (0..1_000).map(set).collect::<Vec<_>>()
    });
    for batch in batches {
        runtime.block_on(store.write(&space(), batch)).unwrap();
    }
    // As a kill leaves it.
    let file = std::fs::read(dir.path().join("default.redb")).unwrap();
    let mut group = criterion.benchmark_group("store open");
    group.sample_size(10);
    group.bench_function(format!("{} MiB", file.len() >> 20), |bencher| {
        bencher.iter_custom(|times| {
            let opened = (0..times).map(|_| {
                let dir = TempDir::new().unwrap();
                std::fs::write(dir.path().join("default.redb"), &file).unwrap();
                let begun = Instant::now();
                let store = embedded(dir.path());
                let elapsed = begun.elapsed();
                drop(store);
                elapsed
            });
            opened.sum()
        });
    });
    group.finish();
}
