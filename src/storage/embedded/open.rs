//! From a path to a store that is whole: every page that counts is verified before the first
//! read, and a file that is not whole is left as it is.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::Builder;
use redb::backends::FileBackend;

use super::engine::{CACHE, Engine};
use super::fault::{Fault, contain};
use super::file;
use super::trial::{OnTrial, Trial};
use crate::core::Timestamp;

/// How often a file is asked for that somebody has: a store that is being closed has it a moment.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens the file, or makes it where there is none. Waits up to `patience` for whoever has it.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Engine, Fault> {
    let until = Instant::now() + patience;
    loop {
        match open_now(path) {
            Err(Fault::InUse) if Instant::now() < until => pause(),
            opened => return opened,
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "at start, at a reload, or on the store's own thread: never where requests are answered"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn open_now(path: &Path) -> Result<Engine, Fault> {
    if !path.try_exists()? {
        return make(path);
    }
    let engine = verify(path)?;
    // What a restore left that was killed; as long as the file is ours, nobody makes another.
    let _ = fs::remove_file(beside(path, "restored"));
    Ok(engine)
}

/// Made beside its place and moved there: a crash leaves no half file behind.
fn make(path: &Path) -> Result<Engine, Fault> {
    let beside = beside(path, "new");
    let engine = contain(|| Engine::make(&beside, first_revision(0)))?;
    file::put(&beside, path)?;
    Ok(engine)
}

/// A name in the same directory that no store has.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

/// Revisions of one file never come again in another that takes its place: they begin later
/// than any that was made until now, as long as fewer than a million are made a millisecond.
pub(super) fn first_revision(known: u64) -> u64 {
    known.max(Timestamp::now().as_millis().saturating_mul(1 << 20))
}

fn verify(path: &Path) -> Result<Engine, Fault> {
    let (taken, newer) = attempt(path, true);
    match taken {
        // The newer commit was not complete: then it was never acknowledged.
        Err(Fault::Damaged(_)) if newer => attempt(path, false).0,
        taken => taken,
    }
}

/// Also answers whether a newer commit was tried than the file names.
fn attempt(path: &Path, newer: bool) -> (Result<Engine, Fault>, bool) {
    let trial = match on_trial(path, newer) {
        Ok(trial) => Arc::new(trial),
        Err(fault) => return (Err(fault), false),
    };
    let engine = contain(|| {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE);
        builder.set_check_integrity_on_open(true);
        let database = builder.create_with_backend(OnTrial(trial.clone()))?;
        let engine = Engine::new(database)?;
        trial.settle()?;
        Ok(engine)
    });
    (engine, trial.took_newer())
}

fn on_trial(path: &Path, newer: bool) -> Result<Trial, Fault> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| match error.kind() {
        ErrorKind::IsADirectory => Fault::Damaged("it is a directory".into()),
        _ => error.into(),
    })?;
    // redb would begin a new store in it.
    if file.metadata()?.len() == 0 {
        return Err(Fault::Damaged("the file is empty".into()));
    }
    Ok(Trial::new(FileBackend::new(file)?, newer)?)
}
