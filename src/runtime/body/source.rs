//! Where the rest of a response body comes from.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use wasmtime_wasi_http::WasiBody;

use super::ahead::Ahead;
use crate::runtime::detached::Verdict;
use crate::runtime::error::{BodyError, InvokeError};

pub(super) enum Source {
    /// The guest, which waits for whoever reads.
    Guest {
        // Before the body: a guest that sees its reader gone must find its call cancelled.
        verdict: Verdict,
        body: WasiBody,
    },
    /// What was read of it before.
    Ahead(Ahead),
}

impl Source {
    pub fn guest(body: WasiBody, verdict: Verdict) -> Self {
        Self::Guest { verdict, body }
    }

    /// The next frame. What ends in `None` ended as it should, and its guest may end what it
    /// still does.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (verdict, body) = match self {
            Self::Guest { verdict, body } => (verdict, body),
            Self::Ahead(ahead) => return ahead.poll(cx),
        };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            ready!(verdict.poll_deadline(cx));
            let error = BodyError::Guest(InvokeError::Timeout);
            return Poll::Ready(Some(Err(error)));
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => Some(Err(match verdict.failure() {
                Some(failure) => BodyError::Guest(failure),
                None => BodyError::Broken(error.to_string()),
            })),
            None => match verdict.failure() {
                Some(failure) => Some(Err(BodyError::Guest(failure))),
                None => {
                    verdict.let_finish();
                    None
                }
            },
        })
    }

    /// The body is over.
    pub fn let_finish(&mut self) {
        if let Self::Guest { verdict, .. } = self {
            verdict.let_finish();
        }
    }
}
