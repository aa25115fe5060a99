//! The three pipes to a child, each with a thread of its own, so that neither side ever
//! waits for one while the other waits for another.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

/// Bytes of a complaint that are kept.
const COMPLAINT: u64 = 4 << 10;

pub(super) struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Pipes {
    /// `None` where the child was not started with pipes.
    pub fn of(child: &mut Child) -> Option<Self> {
        Some(Self {
            stdin: child.stdin.take()?,
            stdout: child.stdout.take()?,
            stderr: child.stderr.take()?,
        })
    }
}

/// A conversation under way.
pub(super) struct Talk<'scope> {
    output: ScopedJoinHandle<'scope, io::Result<Vec<u8>>>,
    complaint: ScopedJoinHandle<'scope, Vec<u8>>,
    open: Receiver<()>,
}

impl<'scope> Talk<'scope> {
    /// Sends `input` and listens, to at most one byte more than `most`.
    ///
    /// # Errors
    /// No thread can be started. Those that were end when the child does.
    pub fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        pipes: Pipes,
        input: &'env [u8],
        most: u64,
    ) -> io::Result<Self> {
        let Pipes {
            mut stdin,
            stdout,
            stderr,
        } = pipes;
        let thread = || Builder::new().name("airgate-compile".into());
        // Nothing is ever sent: the channel is open while somebody listens to the child.
        let (listening, open) = sync_channel(1);
        let also_listening = listening.clone();
        thread().spawn_scoped(scope, move || {
            // A child that does not listen to the end says why on stderr.
            let _ = stdin.write_all(input);
        })?;
        Ok(Self {
            output: thread().spawn_scoped(scope, move || output(stdout, most, listening))?,
            complaint: thread().spawn_scoped(scope, move || complaint(stderr, also_listening))?,
            open,
        })
    }

    /// Waits until the child has said everything, which it has when it ends.
    pub fn ends_within(&self, time: Duration) -> bool {
        self.open.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }

    /// The output and the complaint. Waits for the child's end.
    pub fn said(self) -> (io::Result<Vec<u8>>, Vec<u8>) {
        let lost = |_| io::Error::other("a thread that listens to it has panicked");
        let output = self.output.join().map_err(lost).flatten();
        (output, self.complaint.join().unwrap_or_default())
    }
}

fn output(stdout: impl Read, most: u64, _listening: SyncSender<()>) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    stdout.take(most + 1).read_to_end(&mut output)?;
    Ok(output)
}

fn complaint(mut stderr: impl Read, _listening: SyncSender<()>) -> Vec<u8> {
    let mut complaint = Vec::new();
    // What was read until an error is worth having.
    let _ = stderr.by_ref().take(COMPLAINT).read_to_end(&mut complaint);
    let _ = io::copy(&mut stderr, &mut io::sink());
    complaint
}
