//! The journal: an append-only file, from which a restart goes on.
//!
//! A record that was appended is on the medium. One that could not be appended is not there
//! after a restart either. Bounded by rotation on disk, and by [`History`] in memory.
//! It is the only one to write its directory: the node holds a lock for that.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{current, predecessors, remove_leftovers};
use super::history::History;
use super::log::Log;
use super::replay::replay;
use super::rotation::rotate;
use super::{Draft, JournalError, Ledger, Record};
use crate::core::{ComponentName, Timestamp};
use crate::lifecycle::durable::{make_dir, sync_dir};

/// Bytes of a file beyond which it is exchanged for a shorter one.
const FILE_SIZE: u64 = 4 << 20;

pub struct Journal {
    dir: PathBuf,
    log: Log,
    /// The last record of every component that is there.
    latest: BTreeMap<ComponentName, Arc<Record>>,
    history: History,
    file_size: u64,
    /// Bytes of the current file beyond which the next rotation is due.
    rotate_at: u64,
}

impl Journal {
    /// Opens or makes `dir/journal`, and returns what its records add up to. A last line
    /// that was never finished is cut off. Blocks.
    ///
    /// # Errors
    /// A record was changed or removed, or the directory cannot be read or written.
    pub fn open(dir: &Path) -> Result<(Self, Ledger), JournalError> {
        Self::with_file_size(dir, FILE_SIZE)
    }

    pub(super) fn with_file_size(
        dir: &Path,
        file_size: u64,
    ) -> Result<(Self, Ledger), JournalError> {
        let path = current(dir);
        let failed = |error| JournalError::Io {
            path: path.clone(),
            error,
        };
        let file = open_file(dir, &path).map_err(failed)?;
        let (mut ledger, mut latest) = (Ledger::default(), BTreeMap::new());
        let mut history = History::default();
        let end = replay(&path, BufReader::new(&file), |record, bytes| {
            ledger.apply(&record);
            let record = Arc::new(record);
            note(&mut latest, &record);
            history.insert(record, bytes);
        })?;
        if end.torn > 0 {
            let (path, bytes) = (path.display(), end.torn);
            tracing::warn!(%path, bytes, "the last line of the journal was never finished; it is cut off");
        }
        let log = Log::resume(file, &end).map_err(failed)?;
        read_predecessors(dir, &mut history);
        // Numbers are not used again, also where the current file was moved away.
        ledger.count_from(history.newest().map_or(0, |record| record.seq));
        let journal = Self {
            dir: dir.to_owned(),
            log,
            latest,
            history,
            file_size,
            rotate_at: file_size,
        };
        Ok((journal, ledger))
    }

    /// Writes changes down and returns their records as a restart will read them. Blocks
    /// until they are on the medium.
    ///
    /// # Errors
    /// None of the changes is written down, so none must be made. Where the disk has room
    /// again, the next one succeeds; a failure that cannot be made good refuses all later
    /// ones until the journal is opened again.
    pub fn append_all(&mut self, drafts: Vec<Draft>) -> io::Result<Vec<Record>> {
        // The clock may have been set back; the journal tells what came after what.
        let earliest = self.history.newest().map(|record| record.at);
        let at = earliest.map_or(Timestamp::now(), |earliest| Timestamp::now().max(earliest));
        let numbered = drafts.into_iter().zip(self.next_seq()..);
        let records: Vec<_> = numbered
            .map(|(draft, seq)| draft.numbered(seq, at))
            .collect();
        let appended = self.log.append(&records)?;
        let mut records = Vec::with_capacity(appended.len());
        for (record, bytes) in appended {
            let shared = Arc::new(record.clone());
            note(&mut self.latest, &shared);
            self.history.insert(shared, bytes);
            records.push(record);
        }
        if self.log.length() > self.rotate_at {
            self.rotate();
        }
        Ok(records)
    }

    /// One change, as [`Journal::append_all`].
    ///
    /// # Errors
    /// As [`Journal::append_all`].
    pub fn append(&mut self, draft: Draft) -> io::Result<Record> {
        let mut records = self.append_all(vec![draft])?;
        let nothing = || io::Error::other("nothing was written");
        records.pop().ok_or_else(nothing)
    }

    /// The number that the next record gets, from 1.
    pub fn next_seq(&self) -> u64 {
        let last = self.history.newest().map_or(0, |record| record.seq);
        last.saturating_add(1)
    }

    /// The last records, of one component or of all, the newest first. At most 1,000.
    pub fn history(&self, component: Option<&ComponentName>, limit: usize) -> Vec<Record> {
        let matches = |record: &&Arc<Record>| component.is_none_or(|it| *it == record.component);
        let records = self.history.newest_first().filter(matches).take(limit);
        records.map(|record| Record::clone(record)).collect()
    }

    /// Fails without consequence: what was appended is in the file already.
    fn rotate(&mut self) {
        match rotate(&self.dir, self.essence().map(|record| &**record)) {
            Ok(log) => {
                // Where the components alone fill a file, not every record may rotate it.
                self.rotate_at = self.file_size.max(log.length() * 2);
                self.log = log;
            }
            Err(error) => {
                let path = self.dir.display();
                tracing::warn!(%path, %error, "cannot begin a new file of the journal; the old one grows on");
                self.rotate_at = self.log.length() + self.file_size;
            }
        }
    }

    /// The records that lead to what is, in the order of their numbers; with the newest,
    /// from which the numbers go on.
    fn essence(&self) -> impl Iterator<Item = &Arc<Record>> {
        let records = self.latest.values().chain(self.history.newest());
        let by_seq: BTreeMap<_, _> = records.map(|record| (record.seq, record)).collect();
        by_seq.into_values()
    }

    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) -> File {
        self.log.replace_file(file)
    }
}

fn note(latest: &mut BTreeMap<ComponentName, Arc<Record>>, record: &Arc<Record>) {
    match record.after {
        Some(_) => latest.insert(record.component.clone(), record.clone()),
        None => latest.remove(&record.component),
    };
}

fn open_file(dir: &Path, path: &Path) -> io::Result<File> {
    make_dir(dir)?;
    remove_leftovers(dir)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    sync_dir(dir)?;
    Ok(file)
}

/// Nothing depends on them but what people are shown, so a damaged one is passed over.
fn read_predecessors(dir: &Path, history: &mut History) {
    for path in predecessors(dir) {
        if history.is_complete() {
            break;
        }
        let read = match File::open(&path) {
            Ok(file) => replay(&path, BufReader::new(file), |record, bytes| {
                history.insert(record.into(), bytes);
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => Err(JournalError::Io { path, error }),
        };
        if let Err(error) = read {
            tracing::warn!(%error, "the history is not complete");
        }
    }
}
