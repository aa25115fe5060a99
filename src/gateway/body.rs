//! The one response body type of the front door.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tower_http::services::fs::ServeFileSystemResponseBody;

use super::messages::EventsBody;
use crate::component::{BodyError, ResponseBody};
use crate::core::Fault;

/// What a response is made of.
pub enum Body {
    /// Known bytes, possibly none.
    Bytes(Bytes),
    /// A guest's.
    Guest(ResponseBody),
    /// A file's.
    File(Box<ServeFileSystemResponseBody>),
    /// Messages, as they come.
    Events(EventsBody),
}

/// Why a response broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyFailure {
    #[error(transparent)]
    Guest(#[from] BodyError),
    #[error("cannot read the file")]
    File(#[from] std::io::Error),
}

impl BodyFailure {
    pub fn fault(&self) -> Fault {
        match self {
            Self::Guest(error) => error.fault(),
            Self::File(_) => Fault::Internal,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Guest(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|f| f.map_err(Into::into))),
            Self::File(body) => Pin::new(&mut **body)
                .poll_frame(cx)
                .map(|frame| frame.map(|f| f.map_err(Into::into))),
            Self::Events(body) => body
                .poll_piece(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Guest(body) => body.is_end_stream(),
            Self::File(body) => body.is_end_stream(),
            Self::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Guest(body) => body.size_hint(),
            Self::File(body) => body.size_hint(),
            Self::Events(_) => SizeHint::default(),
        }
    }
}
