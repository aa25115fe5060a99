//! One node at a time in a state directory: two would overwrite each other's journal.
//!
//! The lock is the kernel's and goes with the process, however it ends; the file stays.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::durable::make_dir;

/// Longer than any process id.
const PID_LENGTH: u64 = 20;

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "{} is in use by {}: two nodes cannot share a state directory; stop that one, or \
         set another `[state] dir`",
        dir.display(),
        holder(*pid)
    )]
    Held {
        dir: PathBuf,
        /// `None`: it has not written it yet.
        pid: Option<u32>,
    },
    #[error("cannot lock {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or("another process".into(), |pid| format!("process {pid}"))
}

/// The state directory is ours for as long as this lives.
#[derive(Debug)]
pub struct StateLock {
    file: File,
}

impl Drop for StateLock {
    /// Closing alone would leave it to a child that has our open files until it runs its own
    /// program.
    fn drop(&mut self) {
        // Where that fails it goes with the last of them.
        let _ = self.file.unlock();
    }
}

impl StateLock {
    /// Takes `state_dir/lock` without waiting, and writes our process id into it. Makes the
    /// directory if it is not there. Blocks on the disk only.
    ///
    /// # Errors
    /// Another process, or this one, has it already; or the file system takes no locks.
    pub fn take(state_dir: &Path) -> Result<Self, LockError> {
        let path = state_dir.join("lock");
        let failed = |error| LockError::Io {
            path: path.clone(),
            error,
        };
        let mut file = open(state_dir, &path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    dir: state_dir.to_owned(),
                    pid: read_pid(&file),
                });
            }
        }
        // For people only, so a full disk does not keep the node from starting.
        if let Err(error) = write_pid(&mut file) {
            tracing::warn!(path = %path.display(), %error, "cannot write the process id");
        }
        Ok(Self { file })
    }
}

fn open(state_dir: &Path, path: &Path) -> io::Result<File> {
    if !state_dir.is_dir() {
        make_dir(state_dir)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_LENGTH).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_second_node_is_told_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let lock = StateLock::take(dir.path()).unwrap();
        let text = StateLock::take(dir.path()).unwrap_err().to_string();
        assert!(text.contains(&format!("process {}", std::process::id())));
        assert!(text.contains("two nodes cannot share a state directory"));
        drop(lock);
        StateLock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_shorter_pid_leaves_nothing_of_a_longer_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::fs::write(&path, "99999999999999\n and more").unwrap();
        let _lock = StateLock::take(dir.path()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_lock_that_names_nobody_is_still_a_lock() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = StateLock::take(dir.path()).unwrap();
        std::fs::write(dir.path().join("lock"), [0xff; 100]).unwrap();
        let text = StateLock::take(dir.path()).unwrap_err().to_string();
        assert!(text.contains("in use by another process"), "{text}");
    }

    #[test]
    fn a_killed_node_leaves_the_directory_free() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &holder_test(), "--ignored", "--nocapture"])
            .env("AIRGATE_TEST_STATE", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.contains("held")));
        match StateLock::take(dir.path()) {
            Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(child.id())),
            other => panic!("{other:?}"),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        StateLock::take(dir.path()).unwrap();
    }

    /// As the test runner names it: without the name of the crate.
    fn holder_test() -> String {
        let (_, module) = module_path!().split_once("::").unwrap();
        format!("{module}::holds_until_it_is_killed")
    }

    #[test]
    #[ignore = "the other process of `a_killed_node_leaves_the_directory_free`"]
    fn holds_until_it_is_killed() {
        // Whoever runs all ignored tests gets no process that waits.
        let Ok(dir) = std::env::var("AIRGATE_TEST_STATE") else {
            return;
        };
        let _lock = StateLock::take(Path::new(&dir)).unwrap();
        writeln!(io::stdout(), "held").unwrap();
        // Ends with the test that started it.
        let _ = io::stdin().read_line(&mut String::new());
    }
}
