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
const MORE_LEGS: u64 = 4;
/// So often each must have been met.
const ENOUGH: u64 = 100;

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
    // A slow machine may need some more until both were met.
    let legs = seconds().div_ceil(LEG);
    for leg in 0..legs + MORE_LEGS {
        if leg >= legs && reads > ENOUGH && errors > ENOUGH && planted > ENOUGH {
            break;
        }
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
    assert!(swaps > 1_000 && reads > ENOUGH && errors > ENOUGH && planted > ENOUGH);
    assert!(naive > ENOUGH);
    assert_unharmed(&gate).await;
}

/// What a guest puts in the place of a directory is not what the operator has granted, so
/// nothing is granted where a guest may write: not before it has put something there, and
/// not after.
#[tokio::test]
async fn what_a_guest_could_replace_is_granted_to_nobody() {
    let (place, flip) = arena();
    let outer = format!(
        "{{ source = {:?}, at = \"/rw\", mode = \"read-write\" }}",
        place.path("rw")
    );
    let inner = format!("{{ source = {flip:?}, at = \"/inner\" }}");
    let both = format!("files = [{outer}, {inner}]");
    let (outer, inner) = (format!("files = [{outer}]"), format!("files = [{inner}]"));
    let serving = |writer: &str, reader: &str| {
        let writing = setup().guest_with("files-race", &granting(writer));
        writing.guest_with("files", &granting(reader)).try_start()
    };
    for planted in [false, true] {
        if planted {
            std::fs::remove_dir_all(&flip).unwrap();
            symlink("../outside", &flip).unwrap();
        }
        // Each granted to another component, and both to both.
        for (writer, reader) in [(&outer, &inner), (&both, &both)] {
            let Err(refused) = serving(writer, reader).await else {
                panic!("{writer} beside {reader} is served");
            };
            let reason = "lies where a component may write";
            assert!(refused.stderr.contains(reason), "{}", refused.stderr);
        }
    }
    let outside = format!(
        "files = [{{ source = {:?}, at = \"/inner\" }}]",
        place.path("outside")
    );
    assert!(serving(&outer, &outside).await.is_ok(), "the control");
}
