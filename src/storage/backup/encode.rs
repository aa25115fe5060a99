//! From records to the bytes of a backup.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::lines::{FORMAT, VERSION, hex};
use crate::core::{Record, Records, StoreError, StoreName, Timestamp};

/// Bytes that are handed on at a time, as soon as there are so many.
const PORTION: usize = 64 << 10;

#[derive(Serialize)]
struct Head<'a> {
    format: &'static str,
    version: u32,
    store: &'a str,
    taken: Timestamp,
}

#[derive(Serialize)]
struct Line<'a> {
    space: &'a str,
    key: &'a str,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
}

#[derive(Serialize)]
struct Tail {
    records: u64,
    sha256: String,
}

/// Writes records as a backup, of which no more than a portion and one record is in memory.
///
/// An error among the records ends the stream with it, without a last line: what was written so
/// far is refused by everybody.
pub fn encode(
    store: &StoreName,
    taken: Timestamp,
    records: Records,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let mut encoder = Encoder {
        records,
        portion: Vec::new(),
        hash: Sha256::new(),
        count: 0,
    };
    let head = Head {
        format: FORMAT,
        version: VERSION,
        store: store.as_str(),
        taken,
    };
    let begun = encoder.line(&head);
    unfold(Some((encoder, begun)), |state| async {
        let (encoder, begun) = state?;
        match begun {
            Ok(()) => encoder.next().await,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Encoder {
    records: Records,
    portion: Vec<u8>,
    hash: Sha256,
    count: u64,
}

type Next = (
    Result<Bytes, StoreError>,
    Option<(Encoder, Result<(), StoreError>)>,
);

impl Encoder {
    async fn next(mut self) -> Option<Next> {
        while self.portion.len() < PORTION {
            let written = match self.records.recv().await {
                Some(Ok(record)) => self.record(&record),
                Some(Err(error)) => Err(error),
                None => {
                    let last = self.last();
                    return Some((last.map(|()| self.portion.into()), None));
                }
            };
            if let Err(error) = written {
                return Some((Err(error), None));
            }
        }
        let portion = std::mem::take(&mut self.portion);
        Some((Ok(portion.into()), Some((self, Ok(())))))
    }

    fn record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.count += 1;
        self.line(&Line {
            space: record.space.as_str(),
            key: record.key.as_str(),
            value: STANDARD.encode(&record.value),
            expires: record.expires,
        })
    }

    fn last(&mut self) -> Result<(), StoreError> {
        let hash = std::mem::take(&mut self.hash).finalize();
        let tail = Tail {
            records: self.count,
            sha256: hex(&hash),
        };
        self.line(&tail)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let start = self.portion.len();
        serde_json::to_writer(&mut self.portion, line)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.portion.push(b'\n');
        self.hash.update(&self.portion[start..]);
        Ok(())
    }
}
