//! The thread that writes the trail to disk, so that nobody who records waits for it.
//! While the disk takes nothing, events are dropped and counted; it goes on when it can.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::event::Event;
use super::files::Files;
use super::shared::Shared;

/// How often windows of floods are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often the log is told of dropped events.
const COMPLAINT: Duration = Duration::from_secs(60);

pub(super) struct Writer {
    shared: Arc<Shared>,
    events: Receiver<Arc<Event>>,
    files: Files,
    ticked: Instant,
    complaint: Complaint,
}

/// What the log has been told of dropped events.
#[derive(Default)]
struct Complaint {
    dropped: u64,
    at: Option<Instant>,
    /// The last reason, since then.
    error: Option<io::Error>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, events: Receiver<Arc<Event>>, files: Files) -> Self {
        Self {
            shared,
            events,
            files,
            ticked: Instant::now(),
            complaint: Complaint::default(),
        }
    }

    /// Writes until nobody can record any more, and what is queued then.
    pub fn run(mut self) {
        loop {
            match self.events.recv_timeout(TICK) {
                Ok(event) => self.write(&event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick();
        }
        let counted = self.shared.lock().flood.finish();
        self.keep(counted);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now - self.ticked < TICK {
            return;
        }
        self.ticked = now;
        let counted = self.shared.lock().flood.sweep(now);
        self.keep(counted);
        self.complaint.utter(self.shared.dropped(), now);
    }

    fn keep(&mut self, counted: Vec<Event>) {
        for event in counted {
            let event = self.shared.lock().keep(event);
            self.write(&event);
        }
    }

    fn write(&mut self, event: &Event) {
        let written = serde_json::to_vec(event)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.files.append(&line)
            });
        if let Err(error) = written {
            self.shared.drop_one();
            self.complaint.error = Some(error);
        }
    }
}

impl Complaint {
    fn utter(&mut self, dropped: u64, now: Instant) {
        let is_early = self.at.is_some_and(|at| now - at < COMPLAINT);
        if dropped == self.dropped || is_early {
            return;
        }
        let events = dropped - self.dropped;
        match self.error.take() {
            Some(error) => tracing::warn!(events, %error, "cannot write to the audit trail"),
            None => tracing::warn!(events, "the audit trail cannot keep up with what happens"),
        }
        self.at = Some(now);
        self.dropped = dropped;
    }
}
