//! A request's body in one piece.

use bytes::Bytes;
use http_body_util::BodyExt as _;

use crate::component::RequestBody;
use crate::core::Fault;

const BROKEN: Fault = Fault::Malformed("its body broke off");

/// Reads a body to its end, within its limits.
///
/// # Errors
/// It is too large, its client paused for too long, or it has no end.
pub(super) async fn whole(body: RequestBody) -> Result<Bytes, Fault> {
    let watch = body.watch();
    let mut frames = body.body;
    // Grows with what has come: a client that announces much has not sent it yet.
    let mut whole = Vec::new();
    while let Some(frame) = frames.frame().await {
        let frame = frame.map_err(|_| watch.error().map_or(BROKEN, |it| it.fault()))?;
        if let Some(data) = frame.data_ref() {
            whole.extend_from_slice(data);
        }
    }
    // A copy of its exact size: a message may wait long, and must not keep the buffers of
    // its connection meanwhile.
    Ok(Bytes::from(whole.into_boxed_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ByteSize;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use std::time::Duration;
    use wasmtime_wasi_http::Error;

    const IDLE: Duration = Duration::from_secs(20);

    fn pieces(
        pieces: impl IntoIterator<Item = Result<&'static str, Error>, IntoIter: Send + Unpin + 'static>,
    ) -> RequestBody {
        let frames = pieces.into_iter();
        let frames = frames.map(|piece| piece.map(|it| Frame::data(Bytes::from(it))));
        RequestBody::new(
            StreamBody::new(stream::iter(frames)),
            Some(ByteSize(8)),
            IDLE,
        )
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end() {
        assert_eq!(whole(RequestBody::empty()).await.unwrap(), "");
        let body = pieces([Ok("abcd"), Ok(""), Ok("efgh")]);
        assert_eq!(whole(body).await.unwrap(), "abcdefgh");
    }

    #[tokio::test]
    async fn nothing_is_read_beyond_the_limit() {
        let mut given = 0;
        let endless = std::iter::repeat_with(move || {
            given += 1;
            assert!(given <= 3, "the third piece was one too many already");
            Ok("abc")
        });
        assert_eq!(whole(pieces(endless)).await, Err(Fault::BodyTooLarge));
    }

    #[tokio::test]
    async fn half_a_body_is_none() {
        let body = pieces([Ok("abc"), Err(Error::ConnectionTerminated)]);
        assert_eq!(whole(body).await, Err(BROKEN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_is_not_waited_for() {
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Error>>());
        let began = tokio::time::Instant::now();
        let body = RequestBody::new(stalled, None, IDLE);
        assert_eq!(whole(body).await, Err(Fault::RequestTimeout));
        assert_eq!(began.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test]
    async fn a_message_keeps_no_larger_buffer_alive() {
        let received = Bytes::from(vec![b'a'; 64 << 10]);
        let body = Full::new(received.slice(..4));
        let read = whole(RequestBody::new(body, None, IDLE)).await.unwrap();
        drop(received.clone());
        assert_eq!(read, "aaaa");
        assert_ne!(read.as_ptr(), received.as_ptr());
    }
}
