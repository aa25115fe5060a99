//! One answer, read as far as it may go. What comes is counted as it comes: a server that
//! announces nothing, or lies about it, gets no more memory than one that does not.

use reqwest::{RequestBuilder, Response};

use super::SourceError;
use super::client::reason;
use crate::core::ByteSize;

/// What is fetched, from where, and how much of it may come.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// As messages name it: "a component".
    pub what: &'static str,
    /// As messages show it.
    pub place: &'a str,
    pub limit: ByteSize,
}

/// A buffer begins no larger than this, whatever is announced.
const FIRST_ROOM: u64 = 1 << 20;

impl Wanted<'_> {
    fn too_large(&self) -> SourceError {
        SourceError::TooLarge {
            place: self.place.to_owned(),
            what: self.what,
            limit: self.limit,
        }
    }

    fn broken(&self, error: reqwest::Error) -> SourceError {
        SourceError::Transfer {
            place: self.place.to_owned(),
            reason: reason(error),
        }
    }

    /// The head of the answer, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, SourceError> {
        request.send().await.map_err(|error| self.broken(error))
    }

    /// The body of an answer that went well.
    pub async fn body(&self, response: Response) -> Result<Vec<u8>, SourceError> {
        let status = response.status();
        if !status.is_success() {
            return Err(SourceError::Status {
                place: self.place.to_owned(),
                status: status.as_u16(),
            });
        }
        self.collect(response).await
    }

    async fn collect(&self, mut response: Response) -> Result<Vec<u8>, SourceError> {
        let announced = response.content_length().unwrap_or_default();
        if announced > self.limit.0 {
            return Err(self.too_large());
        }
        let mut bytes = Vec::with_capacity(announced.min(FIRST_ROOM) as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if (bytes.len() + chunk.len()) as u64 > self.limit.0 {
                return Err(self.too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
