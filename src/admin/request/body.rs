//! Reads a request body whole, bounded in size and time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::admin::answer::Problem;
use crate::core::ByteSize;

/// How long a sender may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Pace {
    /// Between two pieces.
    pub stall: Duration,
    /// For all of it.
    pub whole: Duration,
}

/// The whole body.
///
/// # Errors
/// It is larger than `limit`, was cut off, or came too slowly.
pub(in crate::admin) async fn collect(
    body: Body,
    limit: ByteSize,
    pace: Pace,
) -> Result<Bytes, Problem> {
    // What a declared length is too large for need not come at all.
    let declared = body.size_hint().lower();
    if declared > limit.0 {
        return Err(too_large(limit));
    }
    let collected = timeout(pace.whole, collect_all(body, declared, limit, pace.stall));
    collected.await.unwrap_or_else(|_| Err(too_slow()))
}

async fn collect_all(
    mut body: Body,
    declared: u64,
    limit: ByteSize,
    stall: Duration,
) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::with_capacity(usize::try_from(declared).unwrap_or(0));
    while let Some(frame) = timeout(stall, body.frame()).await.map_err(|_| too_slow())? {
        let frame = frame.map_err(|_| Problem::bad_request("the body was cut off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if (whole.len() + data.len()) as u64 > limit.0 {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: ByteSize) -> Problem {
    Problem::too_large(format!("the body is larger than {limit}"))
}

fn too_slow() -> Problem {
    Problem::request_timeout("the body came too slowly")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, stream};
    use std::io;

    const LIMIT: ByteSize = ByteSize(8);
    const PACE: Pace = Pace {
        stall: Duration::from_secs(30),
        whole: Duration::from_secs(100),
    };

    async fn status(body: Body) -> u16 {
        let collected = collect(body, LIMIT, PACE).await;
        collected.err().map_or(200, |it| it.status().as_u16())
    }

    fn pieces(pieces: Vec<io::Result<&'static str>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn pieces_become_one() {
        let body = pieces(vec![Ok("1234"), Ok(""), Ok("5678")]);
        assert_eq!(collect(body, LIMIT, PACE).await.unwrap(), "12345678");
    }

    #[tokio::test]
    async fn too_much_is_refused_declared_or_not() {
        assert_eq!(status(Body::from("123456789")).await, 413);
        assert_eq!(status(pieces(vec![Ok("12345678"), Ok("9")])).await, 413);
    }

    #[tokio::test]
    async fn what_is_cut_off_is_refused() {
        let body = pieces(vec![Ok("1234"), Err(io::Error::other("gone"))]);
        assert_eq!(status(body).await, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn what_stalls_is_ended() {
        let first = stream::iter([io::Result::Ok("1234")]);
        let body = Body::from_stream(first.chain(stream::pending()));
        let began = tokio::time::Instant::now();
        assert_eq!(status(body).await, 408);
        assert_eq!(began.elapsed().as_secs(), PACE.stall.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn what_drips_is_ended_too() {
        let drips = stream::repeat(()).then(async |()| {
            tokio::time::sleep(PACE.stall / 2).await;
            io::Result::Ok("")
        });
        let body = Body::from_stream(Box::pin(drips));
        let began = tokio::time::Instant::now();
        assert_eq!(status(body).await, 408);
        assert_eq!(began.elapsed().as_secs(), PACE.whole.as_secs());
    }
}
