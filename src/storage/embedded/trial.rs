//! Opens a file without touching it: what redb writes while it looks the file over is only noted,
//! and done for good, in its order, once the file has proved whole. A damaged file stays as it
//! is for whoever wants to rescue something.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::haste;
use super::slots::{self, HEAD, SWITCH};

const PAGE: u64 = 4096;
/// What may be noted: far more than redb's books of the largest file.
const NOTED: usize = 256 << 20;

/// A file that is on trial, until [`Trial::settle`].
#[derive(Debug)]
pub(super) struct Trial {
    file: FileBackend,
    over: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Debug)]
struct Notes {
    steps: Vec<Step>,
    /// The pages that the steps change, as they will be.
    pages: HashMap<u64, Box<[u8; PAGE as usize]>>,
    length: u64,
    noted: usize,
    /// Looks for a newer commit before the first read.
    look: bool,
    found: bool,
}

#[derive(Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

impl Trial {
    /// `newer`: takes the newer of two commits, whichever the file names.
    pub fn new(file: FileBackend, newer: bool) -> io::Result<Self> {
        let length = file.len()?;
        let notes = Notes {
            steps: Vec::new(),
            pages: HashMap::new(),
            length,
            noted: 0,
            look: newer,
            found: false,
        };
        Ok(Self {
            file,
            over: AtomicBool::new(false),
            notes: Mutex::new(notes),
        })
    }

    /// A file that was made just now, and has nothing to prove.
    pub fn passed(file: FileBackend) -> io::Result<Self> {
        let trial = Self::new(file, false)?;
        trial.over.store(true, Ordering::Release);
        Ok(trial)
    }

    /// Whether a newer commit was taken than the file names.
    pub fn took_newer(&self) -> bool {
        self.notes().found
    }

    /// Does what was noted. From here on the file is written directly.
    ///
    /// # Errors
    /// The disk's. The file is then as after a crash in the middle of opening it.
    pub fn settle(&self) -> io::Result<()> {
        let mut notes = self.notes();
        for step in notes.steps.drain(..) {
            match step {
                Step::Write(offset, data) => self.file.write(offset, &data)?,
                Step::Length(length) => self.file.set_len(length)?,
                Step::Sync => self.file.sync_data()?,
            }
        }
        notes.pages = HashMap::new();
        self.over.store(true, Ordering::Release);
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Notes {
    fn read(&self, file: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset + out.len() as u64;
        if end > self.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let present = file.len()?.clamp(offset, end) - offset;
        let (from_file, beyond) = out.split_at_mut(usize::try_from(present).unwrap_or(usize::MAX));
        file.read(offset, from_file)?;
        beyond.fill(0);
        for page in offset / PAGE..end.div_ceil(PAGE) {
            let Some(changed) = self.pages.get(&page) else {
                continue;
            };
            let (from, to) = (offset.max(page * PAGE), end.min((page + 1) * PAGE));
            let (inside, length) = ((from - page * PAGE) as usize, (to - from) as usize);
            out[(from - offset) as usize..][..length]
                .copy_from_slice(&changed[inside..inside + length]);
        }
        Ok(())
    }

    fn write(&mut self, file: &FileBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        self.noted += data.len();
        if self.noted > NOTED {
            return Err(io::Error::other(
                "more to repair than memory is given to it",
            ));
        }
        let end = offset + data.len() as u64;
        self.length = self.length.max(end);
        for page in offset / PAGE..end.div_ceil(PAGE) {
            if !self.pages.contains_key(&page) {
                let mut content = Box::new([0; PAGE as usize]);
                let length = (self.length - page * PAGE).min(PAGE) as usize;
                self.read(file, page * PAGE, &mut content[..length])?;
                self.pages.insert(page, content);
            }
            let Some(content) = self.pages.get_mut(&page) else {
                continue;
            };
            let (from, to) = (offset.max(page * PAGE), end.min((page + 1) * PAGE));
            let (inside, length) = ((from - page * PAGE) as usize, (to - from) as usize);
            content[inside..inside + length]
                .copy_from_slice(&data[(from - offset) as usize..][..length]);
        }
        self.steps.push(Step::Write(offset, data.to_vec()));
        Ok(())
    }

    fn set_len(&mut self, length: u64) {
        self.length = length;
        self.pages.retain(|page, _| page * PAGE < length);
        let last = self.pages.get_mut(&(length / PAGE));
        if let Some(content) = last {
            content[(length % PAGE) as usize..].fill(0);
        }
        self.steps.push(Step::Length(length));
    }

    /// Under redb's lock, which it takes before it reads anything.
    fn take_newer(&mut self, file: &FileBackend) -> io::Result<()> {
        self.look = false;
        let mut head = [0; HEAD];
        if self.length < HEAD as u64 {
            return Ok(());
        }
        self.read(file, 0, &mut head)?;
        if let Some(switch) = slots::newer(&head) {
            self.found = true;
            self.write(file, SWITCH as u64, &[switch])?;
        }
        Ok(())
    }
}

/// What redb is given: the trial itself stays with whoever settles it.
#[derive(Debug)]
pub(super) struct OnTrial(pub Arc<Trial>);

impl StorageBackend for OnTrial {
    fn len(&self) -> io::Result<u64> {
        match self.0.is_over() {
            true => self.0.file.len(),
            false => Ok(self.0.notes().length),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.0.is_over() {
            haste::spend_in_redb(out.len());
            return self.0.file.read(offset, out);
        }
        let mut notes = self.0.notes();
        if notes.look {
            notes.take_newer(&self.0.file)?;
        }
        notes.read(&self.0.file, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.0.is_over() {
            return self.0.file.set_len(len);
        }
        self.0.notes().set_len(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.0.is_over() {
            return self.0.file.sync_data();
        }
        self.0.notes().steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self.0.is_over() {
            true => self.0.file.write(offset, data),
            false => self.0.notes().write(&self.0.file, offset, data),
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use super::*;

    fn on_trial(path: &std::path::Path) -> OnTrial {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        let trial = Trial::new(FileBackend::new(file).unwrap(), false).unwrap();
        OnTrial(Arc::new(trial))
    }

    fn read(backend: &OnTrial, offset: u64, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        backend.read(offset, &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_noted_is_read_and_the_file_is_not_touched_until_it_is_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let original = vec![7; 10_000];
        fs::write(&path, &original).unwrap();
        let backend = on_trial(&path);
        backend.write(4_090, &[1; 12]).unwrap();
        backend.set_len(20_000).unwrap();
        backend.write(12_000, &[2; 3]).unwrap();
        backend.sync_data().unwrap();
        let expected = |offset: usize| {
            let mut all = original.clone();
            all[4_090..4_102].fill(1);
            all.resize(20_000, 0);
            all[12_000..12_003].fill(2);
            all[offset..].to_vec()
        };
        assert_eq!(read(&backend, 0, 20_000), expected(0));
        assert_eq!(read(&backend, 4_095, 15_905), expected(4_095));
        assert_eq!(fs::read(&path).unwrap(), original);
        backend.0.settle().unwrap();
        assert_eq!(fs::read(&path).unwrap(), expected(0));
        assert_eq!(read(&backend, 0, 20_000), expected(0));
    }

    #[test]
    fn what_is_cut_off_comes_back_as_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, [7; 5_000]).unwrap();
        let backend = on_trial(&path);
        backend.write(4_000, &[1; 1_000]).unwrap();
        backend.set_len(4_100).unwrap();
        assert!(backend.read(4_000, &mut [0; 200]).is_err());
        backend.set_len(5_000).unwrap();
        assert_eq!(read(&backend, 4_099, 2), [1, 0]);
        backend.0.settle().unwrap();
        assert_eq!(fs::read(&path).unwrap()[4_099..4_101], [1, 0]);
    }
}
