//! Notices when the configuration or a certificate file changes.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::Notify;

use crate::config::Config;
use crate::gateway::certificate_files;

/// Editors and deploy tools write a file in several steps; this long after the last one
/// it is read.
const QUIET: Duration = Duration::from_millis(300);

/// Watches directories, since most tools replace a file instead of writing into it. An
/// event there may also change where a link leads, so every event makes us look at the
/// files themselves.
pub(crate) struct FileWatch {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    directories: HashSet<PathBuf>,
    files: Arc<Mutex<Files>>,
}

/// Each watched file as it was when last looked at; `None` while there is none.
type Files = HashMap<PathBuf, Option<Stamp>>;

impl FileWatch {
    /// `changed` is notified after any watched file has changed.
    pub fn start(changed: Arc<Notify>) -> Result<Self, notify_debouncer_full::notify::Error> {
        let files: Arc<Mutex<Files>> = Arc::default();
        let watched = files.clone();
        let debouncer = new_debouncer(QUIET, None, move |events: DebounceEventResult| {
            let Ok(events) = events else { return };
            // We read them ourselves.
            if events
                .iter()
                .all(|event| matches!(event.kind, EventKind::Access(_)))
            {
                return;
            }
            let Ok(mut files) = watched.lock() else {
                return;
            };
            if have_changed(&mut files) {
                changed.notify_one();
            }
        })?;
        Ok(Self {
            debouncer,
            directories: HashSet::new(),
            files,
        })
    }

    /// Watches the files that `config` is made of.
    pub fn follow(&mut self, config: &Config) {
        let mut files = HashSet::from([config.path.clone()]);
        files.extend(config.server.tls.iter().flat_map(certificate_files));
        files.extend(config.watched.iter().cloned());
        let wanted: HashSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        // A link that leads nowhere now may get back what it led to.
        if files.iter().all(|file| file.exists()) {
            self.leave_other_directories(&wanted);
        }
        self.follow_directories(wanted);
        if let Ok(mut watched) = self.files.lock() {
            watched.retain(|file, _| files.contains(file));
            for file in files {
                // A known one keeps its stamp: it may have changed again since it was read.
                watched
                    .entry(file)
                    .or_insert_with_key(|file| Stamp::of(file));
            }
        }
    }

    fn leave_other_directories(&mut self, wanted: &HashSet<PathBuf>) {
        for directory in self.directories.extract_if(|known| !wanted.contains(known)) {
            // Fails where the directory is gone, and the watch with it.
            let _ = self.debouncer.unwatch(directory);
        }
    }

    fn follow_directories(&mut self, wanted: HashSet<PathBuf>) {
        for directory in wanted {
            if self.directories.contains(&directory) {
                continue;
            }
            match self
                .debouncer
                .watch(&directory, RecursiveMode::NonRecursive)
            {
                Ok(()) => drop(self.directories.insert(directory)),
                Err(error) => tracing::warn!(
                    directory = %directory.display(), %error,
                    "cannot watch for changes; send SIGHUP to reload"
                ),
            }
        }
    }
}

/// Where a file has its name, and where it lies if that is a link. Both without links,
/// since a directory that is watched by two names is forgotten with the first of them.
fn directories(file: &Path) -> impl Iterator<Item = PathBuf> {
    let named = file.parent();
    let named = named.map(|named| named.canonicalize().unwrap_or(named.to_owned()));
    let real = file.canonicalize().ok();
    let lies = real.and_then(|real| Some(real.parent()?.to_owned()));
    named.into_iter().chain(lies)
}

/// Looks at every file.
fn have_changed(files: &mut Files) -> bool {
    let mut changed = false;
    for (file, known) in files {
        let now = Stamp::of(file);
        changed |= *known != now;
        *known = now;
    }
    changed
}

/// Differs when a name leads to another file, or the file has been written to.
#[derive(PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    inode: u64,
    length: u64,
    /// Of content, owner or mode, which may have kept us from reading it: seconds and
    /// nanoseconds.
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let path = file.canonicalize().ok()?;
        let metadata = path.metadata().ok()?;
        Some(Self {
            path,
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_changes_when_it_is_written_or_its_link_leads_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for version in ["one", "two"] {
            std::fs::create_dir(at(version)).unwrap();
            std::fs::write(at(version).join("file"), "same").unwrap();
        }
        symlink("one", at("data")).unwrap();
        symlink("data/file", at("file")).unwrap();
        let mut files = Files::from([(at("file"), Stamp::of(&at("file")))]);
        assert!(!have_changed(&mut files));
        symlink("two", at("next")).unwrap();
        std::fs::rename(at("next"), at("data")).unwrap();
        assert!(have_changed(&mut files));
        std::fs::write(at("file"), "other").unwrap();
        assert!(have_changed(&mut files));
        std::fs::remove_file(at("file")).unwrap();
        assert!(have_changed(&mut files));
        assert!(!have_changed(&mut files));
    }

    #[test]
    fn a_link_is_watched_where_it_is_and_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("real")).unwrap();
        std::fs::write(dir.join("real/file"), "").unwrap();
        symlink("real/file", dir.join("file")).unwrap();
        let watched: Vec<_> = directories(&dir.join("file")).collect();
        assert_eq!(watched, [dir.clone(), dir.join("real")]);
    }
}
