//! Notices when the configuration or a certificate file changes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::Notify;

use crate::config::Config;
use crate::gateway::certificate_files;

/// Editors and deploy tools write a file in several steps; this long after the last one
/// it is read.
const QUIET: Duration = Duration::from_millis(300);

/// Watches directories, since most tools replace a file instead of writing into it.
pub(crate) struct FileWatch {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    directories: HashSet<PathBuf>,
    files: Arc<std::sync::RwLock<HashSet<PathBuf>>>,
}

impl FileWatch {
    /// `changed` is notified after any watched file has changed.
    pub fn start(changed: Arc<Notify>) -> Result<Self, notify_debouncer_full::notify::Error> {
        let files: Arc<std::sync::RwLock<HashSet<PathBuf>>> = Arc::default();
        let watched = files.clone();
        let debouncer = new_debouncer(QUIET, None, move |events: DebounceEventResult| {
            let Ok(events) = events else { return };
            let Ok(files) = watched.read() else { return };
            let concerns_us = events.iter().any(|event| {
                !matches!(event.kind, EventKind::Access(_))
                    && event.paths.iter().any(|path| files.contains(path))
            });
            if concerns_us {
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
        let mut files: HashSet<PathBuf> = HashSet::from([config.path.clone()]);
        files.extend(config.server.tls.iter().flat_map(certificate_files));
        for directory in files.iter().filter_map(|file| file.parent()) {
            self.follow_directory(directory);
        }
        if let Ok(mut watched) = self.files.write() {
            *watched = files;
        }
    }

    fn follow_directory(&mut self, directory: &Path) {
        if self.directories.contains(directory) {
            return;
        }
        match self.debouncer.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => drop(self.directories.insert(directory.to_owned())),
            Err(error) => tracing::warn!(
                directory = %directory.display(), %error,
                "cannot watch for changes; send SIGHUP to reload"
            ),
        }
    }
}
