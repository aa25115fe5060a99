//! A request body piece by piece: for what is too large to be held whole, from senders that may
//! be slow but not for ever.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{Stream, stream};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::Pace;

/// Bytes a second, beyond what comes within the time of the pace.
const LEAST: u64 = 64 << 10;

/// Why the rest of a body does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::admin) enum FlowError {
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the body was cut off")]
    CutOff,
}

/// The pieces. An error is the last of them.
pub(in crate::admin) fn flow(
    body: Body,
    pace: Pace,
) -> impl Stream<Item = Result<Bytes, FlowError>> + Send + Unpin + 'static {
    let flow = Flow {
        body,
        pace,
        began: Instant::now(),
        received: 0,
    };
    Box::pin(stream::try_unfold(flow, async |mut flow| {
        let piece = flow.next().await?;
        Ok(piece.map(|piece| (piece, flow)))
    }))
}

struct Flow {
    body: Body,
    pace: Pace,
    began: Instant,
    received: u64,
}

impl Flow {
    /// `None`: these were all.
    async fn next(&mut self) -> Result<Option<Bytes>, FlowError> {
        loop {
            let earned = Duration::from_secs(self.received / LEAST);
            let whole = self.began + self.pace.whole + earned;
            let deadline = whole.min(Instant::now() + self.pace.stall);
            let frame = timeout_at(deadline, self.body.frame()).await;
            let frame = frame.map_err(|_| FlowError::TooSlow)?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| FlowError::CutOff)?;
            if let Ok(data) = frame.into_data() {
                self.received += data.len() as u64;
                return Ok(Some(data));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, TryStreamExt as _};
    use std::io;

    const PACE: Pace = Pace {
        stall: Duration::from_secs(30),
        whole: Duration::from_secs(100),
    };

    async fn read(body: Body) -> Result<usize, FlowError> {
        let counted = flow(body, PACE).try_fold(0, async |sum, piece| Ok(sum + piece.len()));
        counted.await
    }

    /// A piece of so many bytes every twenty seconds.
    fn dripping(bytes: usize, pieces: usize) -> Body {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            io::Result::Ok(vec![0; bytes])
        });
        Body::from_stream(Box::pin(pieces))
    }

    #[tokio::test]
    async fn every_piece_comes_through() {
        let pieces = [io::Result::Ok("1234"), Ok(""), Ok("56")];
        assert_eq!(read(Body::from_stream(stream::iter(pieces))).await, Ok(6));
        let broken = [Ok("1234"), Err(io::Error::other("gone"))];
        let broken = read(Body::from_stream(stream::iter(broken))).await;
        assert_eq!(broken, Err(FlowError::CutOff));
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_enough_may_take_as_long_as_it_takes() {
        assert_eq!(read(dripping(2 << 20, 100)).await, Ok(200 << 20));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stalls_or_drips_is_ended() {
        assert_eq!(read(dripping(1, 100)).await, Err(FlowError::TooSlow));
        let stalls = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        assert_eq!(read(stalls).await, Err(FlowError::TooSlow));
    }
}
