//! What guests print and log: captured line by line into the log, with component, version and
//! request id. Bounded by `HostBounds::output_line` and `output_lines` a request; what is
//! beyond them is dropped and counted, and never makes the guest wait.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::instance::Recipe;
use crate::core::RequestId;
use crate::security::bounded;

/// The largest single write that is taken.
const WRITE_SIZE: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

/// How much a logged line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Bytes of a logged line's context.
const CONTEXT: usize = 1 << 10;

/// Both output channels of one instance, and the lines that it logs.
pub(crate) struct Printer {
    recipe: Arc<Recipe>,
    state: Mutex<State>,
}

struct State {
    request: RequestId,
    lines_left: u32,
    dropped: u64,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Printer {
    pub fn new(recipe: Arc<Recipe>, request: RequestId) -> Arc<Self> {
        let lines_left = recipe.bounds.output_lines;
        let state = State {
            request,
            lines_left,
            dropped: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        Arc::new(Self {
            recipe,
            state: Mutex::new(state),
        })
    }

    pub fn channel(self: &Arc<Self>, channel: Channel) -> Pipe {
        Pipe {
            printer: self.clone(),
            channel,
        }
    }

    /// Ends a request: its last unterminated lines are logged, and the next one has the
    /// whole allowance again.
    pub fn turn(&self, next: RequestId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.flush(&mut state);
        state.request = next;
        state.lines_left = self.recipe.bounds.output_lines;
    }

    fn flush(&self, state: &mut State) {
        for channel in [Channel::Stdout, Channel::Stderr] {
            let line = std::mem::take(state.buffer(channel));
            if !line.is_empty() {
                self.log(state, channel, &line);
            }
        }
        if state.dropped > 0 {
            tracing::warn!(
                component = %self.recipe.component, version = %self.recipe.version,
                request_id = %state.request, dropped = state.dropped, "guest printed too much"
            );
            state.dropped = 0;
        }
    }

    fn print(&self, channel: Channel, mut bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.append(&mut state, channel, line);
            let line = std::mem::take(state.buffer(channel));
            self.log(&mut state, channel, &line);
            bytes = &rest[1..];
        }
        self.append(&mut state, channel, bytes);
    }

    /// What does not fit into a line is cut off.
    fn append(&self, state: &mut State, channel: Channel, bytes: &[u8]) {
        let limit = self.recipe.bounds.output_line.0 as usize;
        let buffer = state.buffer(channel);
        let room = limit.saturating_sub(buffer.len()).min(bytes.len());
        buffer.extend_from_slice(&bytes[..room]);
    }

    /// One line by `wasi:logging`. Only lines that the log takes count.
    pub fn line(&self, severity: Severity, context: &str, message: &str) {
        macro_rules! log {
            ($level:expr) => {{
                if !tracing::enabled!(target: "airgate::guest", $level) {
                    return;
                }
                let Some(request) = self.take_line() else {
                    return;
                };
                let limit = self.recipe.bounds.output_line.0 as usize;
                let context = bounded(context, limit.min(CONTEXT));
                tracing::event!(
                    target: "airgate::guest", $level,
                    component = %self.recipe.component, version = %self.recipe.version,
                    request_id = %request, channel = "log", context,
                    "{}", bounded(message, limit - context.len())
                );
            }};
        }
        match severity {
            Severity::Trace => log!(Level::TRACE),
            Severity::Debug => log!(Level::DEBUG),
            Severity::Info => log!(Level::INFO),
            Severity::Warn => log!(Level::WARN),
            Severity::Error => log!(Level::ERROR),
        }
    }

    /// The request that has one more line, if it has.
    fn take_line(&self) -> Option<RequestId> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.take_line().then_some(state.request)
    }

    fn log(&self, state: &mut State, channel: Channel, line: &[u8]) {
        if !state.take_line() {
            return;
        }
        let channel = match channel {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
        };
        tracing::info!(
            target: "airgate::guest",
            component = %self.recipe.component, version = %self.recipe.version,
            request_id = %state.request, channel,
            "{}", String::from_utf8_lossy(line)
        );
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        let request = self
            .state
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .request;
        self.turn(request);
    }
}

impl State {
    /// Whether the request may have one more line.
    fn take_line(&mut self) -> bool {
        let is_left = self.lines_left > 0;
        match is_left {
            true => self.lines_left -= 1,
            false => self.dropped += 1,
        }
        is_left
    }

    fn buffer(&mut self, channel: Channel) -> &mut Vec<u8> {
        match channel {
            Channel::Stdout => &mut self.stdout,
            Channel::Stderr => &mut self.stderr,
        }
    }
}

/// One channel, as WASI sees it.
#[derive(Clone)]
pub(crate) struct Pipe {
    printer: Arc<Printer>,
    channel: Channel,
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.printer.print(self.channel, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_SIZE)
    }
}

#[async_trait::async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.printer.print(self.channel, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
