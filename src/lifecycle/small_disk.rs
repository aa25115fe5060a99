//! For tests: a process that can write no file beyond a size, which answers as a full disk
//! does, and also in the middle of a write.

use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

const MARK: &str = "AIRGATE_TEST_SMALL_DISK";

/// The room that files have.
pub struct Disk(());

impl Disk {
    /// Bytes that a file may have; `None`: any.
    pub fn set(&self, bytes: Option<u64>) {
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        setrlimit(Resource::Fsize, limit).unwrap();
    }
}

/// Runs the body of the test with this path in a process of its own, since the limit holds
/// for all of a process. The shell has the signal ignored that would kill it.
pub fn on_small_disk(test: &str, body: impl FnOnce(&Disk)) {
    if std::env::var_os(MARK).is_some() {
        return body(&Disk(()));
    }
    let (_, test) = test.split_once("::").unwrap();
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}{errors}");
}
