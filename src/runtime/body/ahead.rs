//! What a guest sends is read before its client has room for it, so that a slow client does not
//! keep an instance that others wait for. Bounded by 256 KiB: what sends more waits after all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ResponseBody;
use super::source::Source;
use crate::runtime::error::{BodyError, InvokeError};

/// Bytes that are read ahead.
const ROOM: u32 = 256 << 10;
/// What a frame takes of them at least: many small ones cost more than their bytes.
const LEAST: u32 = 1 << 10;
/// Frames that are read ahead, and the end.
const PIECES: usize = (ROOM / LEAST) as usize + 1;

/// The reader's side. Dropping it is leaving: the guest is cancelled, unless it was done.
pub(super) struct Ahead(Receiver<Piece>);

enum Piece {
    Frame(Frame<Bytes>, OwnedSemaphorePermit),
    Failed(BodyError),
    End,
}

impl Ahead {
    /// The next frame; `None` after the last one.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(match ready!(self.0.poll_recv(cx)) {
            Some(Piece::Frame(frame, _room)) => Some(Ok(frame)),
            Some(Piece::Failed(error)) => Some(Err(error)),
            Some(Piece::End) => None,
            // Its task is gone without a word: it panicked. What came is not all.
            None => Some(Err(BodyError::Guest(InvokeError::Interrupted))),
        })
    }
}

impl ResponseBody {
    /// The same body, read ahead of its client in a task of its own, which ends with it.
    pub(crate) fn read_ahead(mut self) -> Self {
        let Some(rest) = &mut self.rest else {
            return self;
        };
        let (sender, receiver) = mpsc::channel(PIECES);
        let (declared, tally) = (self.declared, rest.tally.take());
        tokio::spawn(read(self, sender));
        // Its limit is kept to where it is read.
        let source = Source::Ahead(Ahead(receiver));
        let mut body = Self::of(VecDeque::new(), declared, source, None);
        if let Some(tally) = tally {
            body.count_in(&tally);
        }
        body
    }
}

/// Reads until the body or its reader is gone.
async fn read(mut body: ResponseBody, pieces: Sender<Piece>) {
    let room = Arc::new(Semaphore::new(ROOM as usize));
    tokio::select! {
        () = pass_on(&mut body, &pieces, &room) => {}
        () = pieces.closed() => {}
    }
}

async fn pass_on(body: &mut ResponseBody, pieces: &Sender<Piece>, room: &Arc<Semaphore>) {
    loop {
        let piece = match body.frame().await {
            Some(Ok(frame)) => match room.clone().acquire_many_owned(size(&frame)).await {
                Ok(permit) => Piece::Frame(frame, permit),
                Err(_) => return,
            },
            Some(Err(error)) => Piece::Failed(error),
            None => Piece::End,
        };
        let is_last = !matches!(piece, Piece::Frame(..));
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// A frame that is larger than all the room takes all of it.
fn size(frame: &Frame<Bytes>) -> u32 {
    let bytes = frame.data_ref().map_or(0, Bytes::len);
    u32::try_from(bytes).unwrap_or(ROOM).clamp(LEAST, ROOM)
}
