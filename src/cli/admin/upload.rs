//! A body that is sent piece by piece, so that its progress can be shown.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use indicatif::ProgressBar;

const PIECE: usize = 64 << 10;

/// Counts on a bar what the connection has taken.
pub(in crate::cli) struct Upload {
    rest: Bytes,
    bar: ProgressBar,
}

impl Upload {
    pub fn new(bytes: Bytes, bar: ProgressBar) -> Self {
        Self { rest: bytes, bar }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        self.bar.inc(length as u64);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    /// Exact, so that it is sent with its length and refused before it is read.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn everything_is_sent_and_counted() {
        let bytes: Bytes = (0..200_000u32).map(|it| it as u8).collect();
        let bar = ProgressBar::hidden();
        let upload = Upload::new(bytes.clone(), bar.clone());
        assert_eq!(http_body::Body::size_hint(&upload).exact(), Some(200_000));
        assert_eq!(upload.collect().await.unwrap().to_bytes(), bytes);
        assert_eq!(bar.position(), 200_000);
    }
}
