//! Where events are recorded and asked for.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::event::Event;
use super::files::{FILE_SIZE, Files, make_dir};
use super::flood::Admitted;
use super::query::Query;
use super::ring::Ring;
use super::shared::{Shared, State};
use super::tail;
use super::writer::Writer;

/// Events in memory.
const RING: usize = 10_000;
/// Events on their way to disk.
const QUEUE: usize = 1_024;

/// The audit trail. Dropping it writes what is queued, and waits for that.
pub struct Trail {
    pub(super) shared: Arc<Shared>,
    disk: Option<Disk>,
}

struct Disk {
    queue: SyncSender<Arc<Event>>,
    thread: JoinHandle<()>,
}

impl Trail {
    /// A trail in the files of this directory, which is made if it is not there. It begins
    /// with the newest events of the files.
    ///
    /// # Errors
    /// The directory cannot be made, or no thread started. Later errors only drop events.
    pub fn open(dir: &Path) -> io::Result<Arc<Self>> {
        Self::with_file_size(dir, FILE_SIZE)
    }

    pub(super) fn with_file_size(dir: &Path, file_size: u64) -> io::Result<Arc<Self>> {
        make_dir(dir)?;
        let mut ring = Ring::new(RING);
        for event in tail::newest(dir, RING) {
            ring.push(event.into());
        }
        let shared = Shared::new(ring);
        let (queue, events) = sync_channel(QUEUE);
        let writer = Writer::new(shared.clone(), events, Files::new(dir, file_size));
        let thread = std::thread::Builder::new().name("audit".into());
        let thread = thread.spawn(|| writer.run())?;
        let disk = Some(Disk { queue, thread });
        Ok(Arc::new(Self { shared, disk }))
    }

    /// A trail that is gone with the process.
    pub fn in_memory() -> Arc<Self> {
        let shared = Shared::new(Ring::new(RING));
        Arc::new(Self { shared, disk: None })
    }

    /// Records an event, without ever waiting for the disk. Returns whether it is told by
    /// itself, and so worth a line of the log: in a flood only the first ones are.
    pub fn record(&self, event: Event) -> bool {
        let now = Instant::now();
        let mut state = self.shared.lock();
        self.sweep(&mut state, now);
        let Admitted { summary, event } = state.flood.admit(event, now);
        let is_told = event.is_some();
        for event in summary.into_iter().chain(event) {
            self.keep(&mut state, event);
        }
        is_told
    }

    /// The events that match, the newest first.
    pub fn query(&self, query: &Query) -> Vec<Event> {
        let mut state = self.shared.lock();
        self.sweep(&mut state, Instant::now());
        let matching = state
            .ring
            .newest_first()
            .filter(|event| query.matches(event));
        let events: Vec<_> = matching.take(query.limit()).cloned().collect();
        // Their texts are copied when nobody has to wait for it.
        drop(state);
        events.iter().map(|event| Event::clone(event)).collect()
    }

    /// How many events are not on disk, as it was full or slow. Memory has had them.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped()
    }

    fn sweep(&self, state: &mut State, now: Instant) {
        for event in state.flood.sweep(now) {
            self.keep(state, event);
        }
    }

    /// Queued under the lock, so that memory and disk have one order.
    fn keep(&self, state: &mut State, event: Event) {
        let event = state.keep(event);
        if let Some(disk) = &self.disk
            && disk.queue.try_send(event).is_err()
        {
            self.shared.drop_one();
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if let Some(Disk { queue, thread }) = self.disk.take() {
            drop(queue);
            let _ = thread.join();
        }
    }
}
