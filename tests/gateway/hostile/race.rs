//! A directory and a link to outside change places, as fast as they can, while a guest goes
//! through. `AIRGATE_RACE_SECONDS` says for how long.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment is how CI talks to tests"
)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::files::{Place, SECRET};
use super::report::Report;
use super::{assert_unharmed, granting, report, setup};

/// Of one request to the guest.
const LEG: u64 = 5;

fn seconds() -> u64 {
    let given = std::env::var("AIRGATE_RACE_SECONDS").ok();
    given.map_or(5, |text| text.parse().expect("a number of seconds"))
}

/// Does something again and again, in a thread of its own.
struct Loop {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Loop {
    fn of(mut turn: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                turn();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `flip` is a directory, and `flip-link` a link to outside.
fn arena() -> (Place, PathBuf) {
    let place = Place::new();
    let flip = place.path("rw/flip");
    std::fs::create_dir(&flip).unwrap();
    std::fs::write(flip.join("secret.txt"), "inside").unwrap();
    symlink("../outside", place.path("rw/flip-out")).unwrap();
    (place, flip)
}

/// Both names change their meaning at one moment.
fn swap(place: &Place, swaps: &Arc<AtomicU64>) -> Loop {
    let (one, other) = (place.path("rw/flip"), place.path("rw/flip-out"));
    let swaps = swaps.clone();
    Loop::of(move || {
        renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
        swaps.fetch_add(1, Ordering::Relaxed);
    })
}

/// The control: somebody who just opens the path gets outside.
fn naive_reader(flip: &Path, escapes: &Arc<AtomicU64>) -> Loop {
    let (file, escapes) = (flip.join("secret.txt"), escapes.clone());
    Loop::of(move || {
        let read = std::fs::read(&file).unwrap_or_default();
        escapes.fetch_add(u64::from(read == SECRET.as_bytes()), Ordering::Relaxed);
        std::thread::yield_now();
    })
}

fn count(report: &Report, name: &str) -> u64 {
    report.outcome(name).parse().unwrap()
}

#[tokio::test]
async fn no_moment_between_check_and_use_lets_a_guest_out() {
    let (place, flip) = arena();
    let source = place.path("rw");
    let grants =
        format!("files = [{{ source = {source:?}, at = \"/rw\", mode = \"read-write\" }}]");
    let gate = setup()
        .guest_with("files-race", &granting(&grants))
        .start()
        .await;
    let (swaps, naive) = (Arc::default(), Arc::default());
    let running = [swap(&place, &swaps), naive_reader(&flip, &naive)];
    let (mut reads, mut escaped, mut errors, mut planted) = (0, 0, 0, 0);
    for _ in 0..seconds().div_ceil(LEG) {
        let seconds = seconds().min(LEG);
        let path = format!("/files-race?dir=/rw&name=flip&plant=1&seconds={seconds}");
        let report = report(&gate, &path).await;
        reads += count(&report, "reads");
        escaped += count(&report, "escaped");
        errors += count(&report, "errors");
        planted += count(&report, "planted");
    }
    drop(running);
    let (swaps, naive) = (swaps.load(Ordering::Relaxed), naive.load(Ordering::Relaxed));
    eprintln!(
        "{swaps} swaps: {reads} reads, {planted} files planted, {errors} refused, \
         {escaped} escaped; {naive} escapes of the control"
    );
    assert_eq!(escaped, 0);
    let left: Vec<_> = std::fs::read_dir(place.path("outside")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // The race was one: both were met, and who does not look gets out.
    assert!(swaps > 1_000 && reads > 100 && errors > 100 && planted > 100);
    assert!(naive > 100);
    assert_unharmed(&gate).await;
}

/// A directory that is granted inside of another that may be written to: what the guest puts
/// in its place is not what the operator granted.
#[tokio::test]
async fn a_guest_cannot_put_a_link_where_a_granted_directory_was() {
    let (place, _) = arena();
    let grants = format!(
        "files = [{{ source = {:?}, at = \"/rw\", mode = \"read-write\" }}, \
         {{ source = {:?}, at = \"/inner\" }}]",
        place.path("rw"),
        place.path("rw/flip"),
    );
    let gate = setup()
        .guest_with("files-race", &granting(&grants))
        .guest_with("files", &granting(&grants))
        .start()
        .await;
    let read = async || report(&gate, "/files?op=read&path=/inner/secret.txt").await;
    assert_eq!(read().await.outcome("read"), "ok 6 inside");
    // The guest makes a link by itself, and has it in the directory's place half of the time.
    let path = "/files-race?dir=/rw&name=flip&outside=../outside&seconds=2";
    let mut swapping = std::pin::pin!(report(&gate, path));
    let mut outcomes = Vec::new();
    let swaps = loop {
        tokio::select! {
            report = &mut swapping => break count(&report, "swaps"),
            report = read() => outcomes.push(report.outcome("read").to_owned()),
        }
    };
    assert!(
        swaps > 100 && outcomes.len() > 20,
        "{swaps} {}",
        outcomes.len()
    );
    let escaped = outcomes.iter().filter(|it| it.contains(SECRET)).count();
    assert_eq!(escaped, 0, "of {}", outcomes.len());
    assert_unharmed(&gate).await;
}
