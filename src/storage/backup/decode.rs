//! From the bytes of a backup to a store. Nothing is replaced before the last line has proved
//! that all is there, as it was written.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::lines::{FORMAT, Lines, VERSION, hex};
use crate::core::{Backup, ByteSize, ComponentName, Key, Record, StoreError, StoreName, Timestamp};
use crate::storage::feed::Feed;

/// Why a backup was not taken. Nothing was replaced, unless the store says that it is not known.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("line {line}: {what}")]
    Line { line: u64, what: String },
    #[error("the backup is cut off after line {lines}: its last line is missing")]
    CutOff { lines: u64 },
    #[error("the backup has been altered: {what}")]
    Altered { what: String },
    #[error("the upload broke off: {0}")]
    Upload(String),
    #[error("the backup is too large: at most {limit} are taken into memory")]
    TooLarge { limit: ByteSize },
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge { limit, .. } => Self::TooLarge { limit },
            error => Self::Store(error),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    version: u32,
    store: String,
    #[serde(rename = "taken")]
    _taken: Timestamp,
}

/// A record, or the last line.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Record {
        space: ComponentName,
        key: String,
        value: String,
        expires: Option<Timestamp>,
    },
    Last {
        records: u64,
        sha256: String,
    },
}

/// Replaces everything in a store by a backup, while others go on, or nothing. `expected`: the
/// store it must be of. Answers how many records it has. Bounded in memory by one line.
///
/// # Errors
/// The backup is cut off, altered or of something else, with the line; or what the store says.
pub async fn restore<S, E>(
    store: &dyn Backup,
    expected: Option<&StoreName>,
    chunks: S,
) -> Result<u64, BackupError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let (feed, records) = Feed::into_a_store();
    let reading = async {
        let mut reader = Reader::new(Lines::new(chunks), feed);
        match reader.read(expected).await {
            Ok(()) => {
                reader.feed.complete();
                Ok(())
            }
            Err(error) => {
                let told = format!("the backup is not taken: {error}");
                reader.feed.fail(StoreError::Unavailable(told));
                Err(error)
            }
        }
    };
    match tokio::join!(reading, store.import(records)) {
        (Ok(()), imported) => Ok(imported?),
        // Who reads no more has a reason of its own.
        (Err(BackupError::Store(_)), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error),
    }
}

struct Reader<S> {
    lines: Lines<S>,
    feed: Feed,
    hash: Sha256,
    records: u64,
    last: Option<(ComponentName, Key)>,
}

impl<S, E> Reader<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    fn new(lines: Lines<S>, feed: Feed) -> Self {
        Self {
            lines,
            feed,
            hash: Sha256::new(),
            records: 0,
            last: None,
        }
    }

    async fn read(&mut self, expected: Option<&StoreName>) -> Result<(), BackupError> {
        let head = self.line().await?;
        self.head(&head, expected)?;
        self.hash.update(&head);
        loop {
            let line = self.line().await?;
            match serde_json::from_slice(&line) {
                Ok(Line::Last { records, sha256 }) => return self.end(records, &sha256).await,
                Ok(Line::Record {
                    space,
                    key,
                    value,
                    expires,
                }) => {
                    let record = self.record(space, &key, &value, expires)?;
                    self.hash.update(&line);
                    self.feed.send(record).await?;
                }
                Err(_) => return Err(self.wrong("neither a record nor the end of a backup")),
            }
        }
    }

    async fn line(&mut self) -> Result<Bytes, BackupError> {
        let lines = self.lines.count;
        let line = self.lines.next().await?;
        line.ok_or(BackupError::CutOff { lines })
    }

    fn wrong(&self, what: impl Display) -> BackupError {
        self.lines.wrong(0, what)
    }

    fn head(&self, line: &[u8], expected: Option<&StoreName>) -> Result<(), BackupError> {
        let foreign = |_| self.wrong("this is no backup of a store");
        let head: Head = serde_json::from_slice(line).map_err(foreign)?;
        if head.format != FORMAT {
            return Err(self.wrong("this is no backup of a store"));
        }
        if head.version != VERSION {
            return Err(self.wrong(format!(
                "the backup has version {}, and this Airgate reads version {VERSION}",
                head.version
            )));
        }
        match expected {
            Some(expected) if expected.as_str() != head.store => Err(self.wrong(format!(
                "this is a backup of store {:?}, not of {expected}",
                head.store
            ))),
            _ => Ok(()),
        }
    }

    fn record(
        &mut self,
        space: ComponentName,
        key: &str,
        value: &str,
        expires: Option<Timestamp>,
    ) -> Result<Record, BackupError> {
        let key: Key = key.parse().map_err(|error| self.wrong(error))?;
        let value = STANDARD.decode(value);
        let value =
            value.map_err(|error| self.wrong(format!("the value is not base64: {error}")))?;
        let name = Some((space.clone(), key.clone()));
        if name <= self.last {
            return Err(self.wrong("the record is not in its order, or is there twice"));
        }
        self.last = name;
        self.records += 1;
        Ok(Record {
            space,
            key,
            value: value.into(),
            expires,
        })
    }

    async fn end(&mut self, records: u64, sha256: &str) -> Result<(), BackupError> {
        if records != self.records {
            let what = format!("it has {} records, and should have {records}", self.records);
            return Err(BackupError::Altered { what });
        }
        let hash = hex(&std::mem::take(&mut self.hash).finalize());
        if hash != sha256 {
            let what = format!("its hash is {hash}, and should be {sha256}");
            return Err(BackupError::Altered { what });
        }
        match self.lines.next().await? {
            None => Ok(()),
            Some(_) => Err(self.wrong("something follows the end of the backup")),
        }
    }
}
