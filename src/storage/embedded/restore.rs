//! A store made anew from records, in a file of its own beside the old one. It takes the old
//! one's place in one step, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::OwnedSemaphorePermit;

use super::engine::Engine;
use super::fault::{Fault, Trouble, contain};
use super::open::{beside, first_revision};
use crate::core::{Records, StoreError, Timestamp};

/// Revisions that the old file may still give away before the new one is there.
const AHEAD: u64 = 1 << 40;

/// A file that no store has yet. It is removed unless it gets a place.
pub(super) struct Fresh {
    engine: Option<Engine>,
    path: PathBuf,
    pub records: u64,
    /// Nobody else makes a file with this name meanwhile.
    _permit: OwnedSemaphorePermit,
}

impl Fresh {
    /// Writes everything into a new file beside `path`. Blocks, also on the sender of the records.
    ///
    /// # Errors
    /// The records end in an error, or cannot be written.
    pub fn make(
        path: &Path,
        revision: u64,
        mut records: Records,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Trouble> {
        let mut fresh = Self {
            engine: None,
            path: beside(path, "restored"),
            records: 0,
            _permit: permit,
        };
        let revision = first_revision(revision.saturating_add(AHEAD));
        let mut engine = contain(|| Engine::make(&fresh.path, revision))?;
        fresh.records = contain(|| {
            engine.write(|tables, state| {
                let mut count = 0;
                while let Some(record) = records.blocking_recv() {
                    tables.put(record?, &mut state.revision)?;
                    count += 1;
                }
                Ok::<u64, Trouble>(count)
            })
        })?;
        fresh.engine = Some(engine);
        Ok(fresh)
    }

    /// Moves it to where the store is, and hands it over: its name is still to be made to last.
    /// What could not be opened there is kept beside it.
    ///
    /// # Errors
    /// It cannot be moved; the old file is still in its place then.
    pub fn take_place(mut self, path: &Path, keep: bool) -> Result<Engine, Fault> {
        if keep && path.exists() {
            let kept = format!("redb.damaged-{}", Timestamp::now().as_millis());
            let kept = path.with_extension(kept);
            fs::hard_link(path, &kept)?;
            let (path, kept) = (path.display(), kept.display());
            tracing::warn!(%path, %kept, "the file that could not be opened is kept");
        }
        fs::rename(&self.path, path)?;
        let engine = self.engine.take();
        engine.ok_or_else(|| Fault::Disk("the restored file has been given away".into()))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.close();
        }
        // Not there any more where it has got its place.
        let _ = fs::remove_file(&self.path);
    }
}

/// What who restores is told.
pub(super) fn failed(trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Refused(error) => error,
        Trouble::Fault(fault) => StoreError::Unavailable(format!("nothing was replaced: {fault}")),
    }
}
