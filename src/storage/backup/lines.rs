//! What a backup says of itself, and lines out of chunks that end anywhere.

use std::fmt::{Display, Write as _};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use super::BackupError;

/// The first line has both.
pub(super) const FORMAT: &str = "airgate-store";
pub(super) const VERSION: u32 = 1;

/// Bytes of one line: a value of 64 MiB in base64, its names, and room.
const LINE: usize = 96 << 20;

pub(super) struct Lines<S> {
    chunks: S,
    buffer: BytesMut,
    /// Bytes of the buffer in which no line ends.
    searched: usize,
    /// Lines that were taken.
    pub count: u64,
}

impl<S, E> Lines<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    pub fn new(chunks: S) -> Self {
        Self {
            chunks,
            buffer: BytesMut::new(),
            searched: 0,
            count: 0,
        }
    }

    /// The next line with its end. `None`: there is nothing after the last one.
    ///
    /// # Errors
    /// The chunks break off, or the line is too long or has no end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        loop {
            let rest = &self.buffer[self.searched..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                self.count += 1;
                return Ok(Some(line.freeze()));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE {
                return Err(self.wrong(1, "the line is too long"));
            }
            match self.chunks.next().await {
                Some(Ok(chunk)) => self.take(chunk),
                Some(Err(error)) => return Err(BackupError::Upload(error.to_string())),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(BackupError::CutOff { lines: self.count }),
            }
        }
    }

    fn take(&mut self, chunk: Bytes) {
        self.buffer.extend_from_slice(chunk.chunk());
    }

    /// Something is wrong with the line that was taken last, or so many after it.
    pub fn wrong(&self, after: u64, what: impl Display) -> BackupError {
        BackupError::Line {
            line: self.count + after,
            what: what.to_string(),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
