//! The backend `embedded`, as everybody meets it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::clock::StoreClock;
use super::super::decide::{Change, Reply};
use super::super::feed::Feed;
use super::super::limits;
use super::fault::{Fault, Trouble, contain};
use super::open;
use super::queue::{Queue, queue};
use super::restore::{self, Fresh};
#[cfg(test)]
use super::shared::SCANS;
use super::shared::{Condition, Refusal, Shared};
use super::view::View;
use super::writer::Writer;
use crate::core::{
    Backup, ComponentName, Key, KeyPage, KvStore, Quota, Record, Records, Revision, StoreBackend,
    StoreError, StoreFuture, StoreName, StoreSpec, Stored, Swap, Timestamp, Usage, Write,
};

/// How long a file is waited for that another store, just closed, still has.
const PATIENCE: Duration = Duration::from_secs(1);
/// Keys that are looked for where they are asked for; more are read on a thread that has time.
const INLINE: usize = 32;
/// Bytes of records that an export reads at a time.
const PORTION: usize = 1 << 20;

/// A store in one file. It is closed when it is dropped, after the writes that wait.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    queue: Queue,
    /// One restore at a time.
    restore: Arc<Semaphore>,
    writer: JoinHandle<()>,
}

impl EmbeddedStore {
    /// Opens `DIR/NAME.redb`, or makes it, and verifies all of it: blocks for about a second a
    /// gigabyte. What cannot be opened is told to whoever uses the store, and to the log.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn open(dir: &Path, name: &StoreName, spec: StoreSpec) -> std::io::Result<Self> {
        Self::open_with_clock(dir, name, spec, StoreClock::of_this_machine())
    }

    pub(in crate::storage) fn open_with_clock(
        dir: &Path,
        name: &StoreName,
        spec: StoreSpec,
        clock: StoreClock,
    ) -> std::io::Result<Self> {
        let path = dir.join(format!("{name}.redb"));
        let opened =
            open::open(&path, PATIENCE).and_then(|engine| Ok((contain(|| engine.view())?, engine)));
        let waiting = Condition::Refused(Refusal::of(name, Fault::Closed));
        let shared = Arc::new(Shared::new(name.clone(), path, spec, clock, waiting));
        let engine = match opened {
            Ok((view, engine)) => {
                raise(&shared, engine.state.clock);
                shared.show(view, engine.state.revision);
                Some(engine)
            }
            Err(fault) => {
                shared.refuse(fault);
                None
            }
        };
        let (queue, jobs) = queue();
        let writer = Writer::new(shared.clone(), jobs, engine);
        let thread = std::thread::Builder::new().name(format!("store-{name}"));
        let writer = thread.spawn(|| writer.run())?;
        let restore = Arc::new(Semaphore::new(1));
        Ok(Self {
            shared,
            queue,
            restore,
            writer,
        })
    }

    /// Closes the store, and waits until its file is free: for the writes that wait, and the disk.
    pub fn close(self) {
        let Self { queue, writer, .. } = self;
        drop(queue);
        // A panic of the writer has been logged.
        let _ = writer.join();
    }

    /// Takes another quota and size of values; what is there stays.
    pub fn configure(&self, spec: StoreSpec) {
        self.shared.spec.store(Arc::new(spec));
    }

    async fn change(&self, space: &ComponentName, change: Change) -> Result<Reply, StoreError> {
        limits::check(&change, &self.shared.spec.load())?;
        self.queue.change(space, change).await
    }

    /// Reads much, on a thread that may take its time.
    async fn scan<T: Send + 'static>(
        &self,
        mut read: impl FnMut(&View, Timestamp) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permit().await?;
        let shared = self.shared.clone();
        let scan = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let now = shared.clock.now();
            Handle::current().block_on(shared.read(|view| read(view, now)))
        });
        scan.await.map_err(|_| broke_off())?
    }

    /// As long as it is kept, only what needs no thread of its own is read.
    #[cfg(test)]
    pub(super) async fn without_scans(&self) -> OwnedSemaphorePermit {
        let scans = self.shared.scans.clone();
        scans.acquire_many_owned(SCANS as u32).await.unwrap()
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = self.shared.scans.clone().acquire_owned().await;
        permit.map_err(|_| broke_off())
    }
}

fn broke_off() -> StoreError {
    StoreError::Unavailable("the scan broke off".into())
}

fn raise(shared: &Shared, seen: u64) {
    let behind = shared.clock.raise(Timestamp::from_millis(seen));
    if behind > Duration::from_secs(1) {
        tracing::warn!(
            store = %shared.name,
            behind_seconds = behind.as_secs(),
            "the clock is behind what the store has seen: values expire by the store's time"
        );
    }
}

impl KvStore for EmbeddedStore {
    fn backend(&self) -> StoreBackend {
        StoreBackend::Embedded
    }

    fn quota(&self) -> Quota {
        self.shared.spec.load().quota
    }

    fn get<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
    ) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            let now = self.shared.clock.now();
            let read = self.shared.read_a_little(|view| view.get(space, key, now));
            if let Some(stored) = read.await? {
                return Ok(stored);
            }
            let (space, key) = (space.clone(), key.clone());
            self.scan(move |view, now| view.get(&space, &key, now))
                .await
        })
    }

    fn get_many<'a>(
        &'a self,
        space: &'a ComponentName,
        keys: &'a [Key],
    ) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            limits::check_keys(keys)?;
            if keys.len() <= INLINE {
                let now = self.shared.clock.now();
                let read = self
                    .shared
                    .read_a_little(|view| view.get_many(space, keys, now));
                if let Some(values) = read.await? {
                    return Ok(values);
                }
            }
            // From the first key, so that all are of one moment.
            let (space, keys) = (space.clone(), keys.to_vec());
            self.scan(move |view, now| view.get_many(&space, &keys, now))
                .await
        })
    }

    fn write<'a>(&'a self, space: &'a ComponentName, writes: Vec<Write>) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            match self.change(space, Change::Write(writes)).await? {
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
            match self
                .change(space, Change::Add { key, delta, least })
                .await?
            {
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
            match self.change(space, change).await? {
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
        let (space, prefix, after) = (space.clone(), prefix.to_owned(), after.map(str::to_owned));
        let limit = limit.min(limits::KEYS);
        Box::pin(
            self.scan(move |view, now| view.keys(&space, &prefix, after.as_deref(), limit, now)),
        )
    }

    fn usage<'a>(&'a self, space: &'a ComponentName) -> StoreFuture<'a, Usage> {
        Box::pin(async move {
            let usage = self.shared.read_a_little(|view| view.usage(space));
            match usage.await? {
                Some(usage) => Ok(usage),
                None => {
                    let space = space.clone();
                    self.scan(move |view, _| view.usage(&space)).await
                }
            }
        })
    }

    fn spaces(&self) -> StoreFuture<'_, Vec<(ComponentName, Usage)>> {
        Box::pin(self.scan(|view, _| view.spaces()))
    }
}

impl Backup for EmbeddedStore {
    fn export(&self) -> StoreFuture<'_, Records> {
        Box::pin(async move {
            let condition = self.shared.condition();
            if let Condition::Refused(refusal) = &*condition {
                return Err(refusal.error.clone());
            }
            let permit = self.permit().await?;
            let (feed, records) = Feed::out_of_a_store();
            let shared = self.shared.clone();
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                export(&shared, &condition, feed);
            });
            Ok(records)
        })
    }

    fn import(&self, records: Records) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let permit = self.restore.clone().try_acquire_owned();
            let permit = permit.map_err(|_| {
                StoreError::Unavailable("another restore of this store is under way".into())
            })?;
            let shared = self.shared.clone();
            let making = tokio::task::spawn_blocking(move || {
                let revision = shared.revision.load(Ordering::Relaxed);
                Fresh::make(&shared.path, revision, records, permit)
            });
            let fresh = making.await.map_err(|_| broke_off())?;
            let fresh = fresh.map_err(restore::failed)?;
            let count = fresh.records;
            self.queue.replace(fresh).await?;
            Ok(count)
        })
    }
}

/// Sends every record of one moment, however long the reader takes.
fn export(shared: &Shared, condition: &Condition, mut feed: Feed) {
    let Condition::Open(view) = condition else {
        return;
    };
    let (now, handle) = (shared.clock.now(), Handle::current());
    let mut last = None;
    loop {
        let portion = contain(|| view.records(last.as_ref(), PORTION, now));
        let portion = match portion {
            Ok(portion) if portion.is_empty() => return feed.complete(),
            Ok(portion) => portion,
            Err(trouble) => return feed.fail(shared.judge(trouble)),
        };
        last = portion.last().map(|record: &Record| Record {
            value: Bytes::new(),
            ..record.clone()
        });
        for record in portion {
            if let Err(error) = handle.block_on(feed.send(record)) {
                return feed.fail(error);
            }
        }
    }
}
