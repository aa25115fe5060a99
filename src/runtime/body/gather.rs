//! What a client sends is there before a guest is called that others wait for: a slow client
//! takes its own time. Bounded by 256 KiB: the rest of what is larger comes during the call.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

use super::RequestBody;
use crate::runtime::error::InvokeError;

/// Bytes for which nobody is called before their end is there too.
const MOST: usize = 256 << 10;

impl RequestBody {
    /// The same body, once all of it is there, or as much as may wait here.
    ///
    /// # Errors
    /// The client has not sent it by `until`, has sent too much, or has gone.
    pub(crate) async fn gathered(self, until: Instant) -> Result<Self, InvokeError> {
        if self.body.is_end_stream() {
            return Ok(self);
        }
        let Self { body, watch } = self;
        let mut gathered = Gathered {
            data: BytesMut::new(),
            trailers: None,
            rest: Some(body),
        };
        match timeout_at(until, gathered.fill()).await {
            Ok(Ok(())) => {
                let body = gathered.boxed_unsync();
                Ok(Self { body, watch })
            }
            Ok(Err(_)) => Err(watch.error().unwrap_or(InvokeError::Interrupted)),
            Err(_) => Err(InvokeError::BodyStalled),
        }
    }
}

struct Gathered {
    data: BytesMut,
    /// They come last, so nothing follows where they are.
    trailers: Option<Frame<Bytes>>,
    rest: Option<WasiBody>,
}

impl Gathered {
    async fn fill(&mut self) -> Result<(), Error> {
        while self.data.len() <= MOST
            && let Some(rest) = &mut self.rest
        {
            match rest.frame().await.transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => self.data.extend_from_slice(&data),
                Some(Err(trailers)) => {
                    self.trailers = Some(trailers);
                    self.rest = None;
                }
                None => self.rest = None,
            }
        }
        Ok(())
    }
}

impl Body for Gathered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.data.is_empty() {
            let data = std::mem::take(&mut self.data).freeze();
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(self.trailers.take().map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        let nothing_follows = self.rest.as_ref().is_none_or(WasiBody::is_end_stream);
        self.data.is_empty() && self.trailers.is_none() && nothing_follows
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self
            .rest
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let here = self.data.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + here);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + here);
        }
        hint
    }
}
