//! What those who ask a store and the thread that writes it have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};

use super::super::clock::StoreClock;
use super::fault::{Fault, Trouble, contain};
use super::haste::hastily;
use super::view::View;
use crate::core::{StoreError, StoreName, StoreSpec};

/// Scans of a store at once: each has a thread.
pub(super) const SCANS: usize = 16;
/// How long a reader waits for a file that is being opened anew.
const REOPENING: Duration = Duration::from_secs(2);

pub(super) struct Shared {
    pub name: StoreName,
    pub path: PathBuf,
    pub spec: ArcSwap<StoreSpec>,
    pub clock: StoreClock,
    pub scans: Arc<Semaphore>,
    /// The newest revision that has been shown.
    pub revision: AtomicU64,
    /// A reader met an error of the disk: the file must be opened anew.
    pub unsteady: AtomicBool,
    /// The operator knows of a damaged record: guests can ask for it without end.
    told: AtomicBool,
    condition: ArcSwap<Condition>,
    changed: Notify,
}

/// Whether there is a store behind the name.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one a store, behind a pointer, and it is nearly always open"
)]
pub(super) enum Condition {
    Open(View),
    Refused(Refusal),
}

/// Why nothing is read or written.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub error: StoreError,
    pub fault: Fault,
}

impl Refusal {
    pub fn of(name: &StoreName, fault: Fault) -> Self {
        let error = match &fault {
            Fault::Damaged(what) => StoreError::Corrupt(format!(
                "the file of store {name} is damaged: {what}. It was left as it is; restore the \
                 store from a backup with `airgate kv restore`"
            )),
            Fault::Foreign(what) => StoreError::Unavailable(format!(
                "store {name}: {what}. The file was left as it is; use the version that wrote it, \
                 or restore a backup of it with `airgate kv restore`"
            )),
            Fault::InUse => StoreError::Unavailable(format!(
                "the file of store {name} is in use by another process: end that one, or set \
                 another `[state] dir`"
            )),
            Fault::Disk(what) => StoreError::Unavailable(format!(
                "the file of store {name} cannot be read or written: {what}. It is tried again"
            )),
            Fault::Closed => StoreError::Unavailable(format!("store {name} has been closed")),
            // Whoever reads in haste reads again with time.
            Fault::Large => StoreError::Busy,
        };
        Self { error, fault }
    }

    /// Whether another attempt may go better.
    pub fn may_pass(&self) -> bool {
        matches!(self.fault, Fault::InUse | Fault::Disk(_) | Fault::Closed)
    }
}

impl Shared {
    pub fn new(
        name: StoreName,
        path: PathBuf,
        spec: StoreSpec,
        clock: StoreClock,
        condition: Condition,
    ) -> Self {
        Self {
            name,
            path,
            spec: ArcSwap::from_pointee(spec),
            clock,
            scans: Arc::new(Semaphore::new(SCANS)),
            revision: AtomicU64::new(0),
            unsteady: AtomicBool::new(false),
            told: AtomicBool::new(false),
            condition: ArcSwap::from_pointee(condition),
            changed: Notify::new(),
        }
    }

    pub fn condition(&self) -> Arc<Condition> {
        self.condition.load_full()
    }

    pub fn refusal(&self) -> Option<Refusal> {
        match &**self.condition.load() {
            Condition::Open(_) => None,
            Condition::Refused(refusal) => Some(refusal.clone()),
        }
    }

    /// From now on this is the newest commit.
    pub fn show(&self, view: View, revision: u64) {
        self.revision.store(revision, Ordering::Relaxed);
        self.condition.store(Arc::new(Condition::Open(view)));
        self.changed.notify_waiters();
    }

    /// From now on nobody gets anything; told to the operator once.
    pub fn refuse(&self, fault: Fault) -> StoreError {
        let refusal = Refusal::of(&self.name, fault);
        let (error, path) = (refusal.error.clone(), self.path.display());
        let before = self.refusal();
        if before.is_none_or(|before| before.fault != refusal.fault) {
            tracing::error!(store = %self.name, %path, %error, "store not available");
        }
        self.condition.store(Arc::new(Condition::Refused(refusal)));
        self.changed.notify_waiters();
        error
    }

    /// Reads a little from the newest commit, here and now. `None`: it is not a little, and must
    /// be read on a thread that has time.
    pub async fn read_a_little<T>(
        &self,
        mut read: impl FnMut(&View) -> Result<T, Trouble>,
    ) -> Result<Option<T>, StoreError> {
        let read = |view: &View| match hastily(|| contain(|| read(view))) {
            Err(Trouble::Fault(Fault::Large)) => Ok(None),
            read => read.map(Some),
        };
        self.read(read).await
    }

    /// Reads from the newest commit, on this thread, however long it takes.
    pub async fn read<T>(
        &self,
        mut read: impl FnMut(&View) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        // Made before the condition is looked at, so that no change is missed.
        let mut changed = self.changed.notified();
        match self.read_now(&mut read) {
            Err(Trouble::Fault(fault)) if self.passes(&fault) => {}
            Err(trouble) => return Err(self.judge(trouble)),
            Ok(answer) => return Ok(answer),
        }
        // The file is being opened anew, or has been since.
        let until = tokio::time::Instant::now() + REOPENING;
        loop {
            let in_time = tokio::time::timeout_at(until, changed).await.is_ok();
            changed = self.changed.notified();
            match self.read_now(&mut read) {
                Err(Trouble::Fault(fault)) if in_time && self.passes(&fault) => {}
                Err(trouble) => return Err(self.judge(trouble)),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    fn read_now<T>(
        &self,
        read: &mut impl FnMut(&View) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        match &**self.condition.load() {
            Condition::Open(view) => contain(|| read(view)),
            Condition::Refused(refusal) => Err(refusal.error.clone().into()),
        }
    }

    /// Whether this is over as soon as the file has been opened anew.
    fn passes(&self, fault: &Fault) -> bool {
        let passes = matches!(fault, Fault::Closed | Fault::Disk(_));
        if matches!(fault, Fault::Disk(_)) {
            self.unsteady.store(true, Ordering::Relaxed);
        }
        passes
    }

    /// What a reader is told. Damage to the file as such ends it for everybody.
    pub fn judge(&self, trouble: Trouble) -> StoreError {
        match trouble {
            Trouble::Refused(error) => {
                let damaged = matches!(error, StoreError::Corrupt(_));
                if damaged && !self.told.swap(true, Ordering::Relaxed) && self.refusal().is_none() {
                    tracing::error!(store = %self.name, %error, "damaged record; no more are told");
                }
                error
            }
            Trouble::Fault(fault @ Fault::Damaged(_)) => self.refuse(fault),
            Trouble::Fault(fault) => Refusal::of(&self.name, fault).error,
        }
    }
}
