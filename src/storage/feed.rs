//! Records on their way. Whoever reads them is told if they end too early: a sender that is
//! dropped, for whatever reason, has failed, unless it said that it is complete.
//!
//! An export keeps a moment of its store alive, so whoever reads it must keep a pace: a minute
//! for a record, 64 KiB a second after the first minute, and an hour for all of it.

use std::time::Duration;

use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::mpsc::{self, OwnedPermit, Sender};
use tokio::time::Instant;

use crate::core::{Record, Records, StoreError};

/// Records that wait for the reader.
const WAITING: usize = 64;
/// How long the reader may take for one.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the reader of an export takes a second at least, in bytes, beyond the first [`PATIENCE`].
const LEAST: u64 = 64 << 10;
/// How long an export may take.
const WHOLE: Duration = Duration::from_secs(60 * 60);
/// What a record counts beside its names and its value.
const BESIDE: u64 = 64;

type Item = Result<Record, StoreError>;

/// Where records come from.
pub(super) struct Feed {
    sender: Sender<Item>,
    /// A place that is kept for the bad news, however full the channel is.
    verdict: Option<OwnedPermit<Item>>,
    /// Of an export.
    course: Option<Course>,
}

/// How far an export has come.
struct Course {
    began: Instant,
    bytes: u64,
}

impl Course {
    fn add(&mut self, record: &Record) {
        let names = record.space.as_str().len() + record.key.as_str().len();
        self.bytes += (names + record.value.len()) as u64 + BESIDE;
    }

    /// How long the reader may take for the next record.
    fn patience(&self) -> Duration {
        let whole = PATIENCE + Duration::from_secs(self.bytes / LEAST);
        let whole = whole.min(WHOLE);
        whole.saturating_sub(self.began.elapsed())
    }
}

impl Feed {
    /// Into a store, which reads as fast as it can.
    pub fn into_a_store() -> (Self, Records) {
        let (sender, records) = mpsc::channel(WAITING + 1);
        let verdict = sender.clone().try_reserve_owned().ok();
        let course = None;
        let feed = Self {
            sender,
            verdict,
            course,
        };
        (feed, records)
    }

    /// Out of a store, to somebody who may be slow.
    pub fn out_of_a_store() -> (Self, Records) {
        let (mut feed, records) = Self::into_a_store();
        feed.course = Some(Course {
            began: Instant::now(),
            bytes: 0,
        });
        (feed, records)
    }

    /// # Errors
    /// The reader has gone, or is too slow.
    pub async fn send(&mut self, record: Record) -> Result<(), StoreError> {
        let mut patience = PATIENCE;
        if let Some(course) = &mut self.course {
            if course.began.elapsed() >= WHOLE {
                return Err(too_slow());
            }
            course.add(&record);
            patience = patience.min(course.patience());
        }
        let sent = self.sender.send_timeout(Ok(record), patience).await;
        sent.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => too_slow(),
            SendTimeoutError::Closed(_) => {
                StoreError::Unavailable("nobody reads the records any more".into())
            }
        })
    }

    /// These were all.
    pub fn complete(mut self) {
        self.verdict = None;
    }

    pub fn fail(mut self, error: StoreError) {
        if let Some(verdict) = self.verdict.take() {
            verdict.send(Err(error));
        }
    }
}

fn too_slow() -> StoreError {
    StoreError::Unavailable("the records are read too slowly".into())
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(verdict) = self.verdict.take() {
            let text = "the records broke off before their end";
            verdict.send(Err(StoreError::Unavailable(text.into())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: usize) -> Record {
        Record {
            space: "cart".parse().unwrap(),
            key: key.to_string().parse().unwrap(),
            value: "value".into(),
            expires: None,
        }
    }

    /// For how many seconds records of this size come, when one is taken every 50.
    async fn lasts(size: usize) -> u64 {
        let (mut feed, mut records) = Feed::out_of_a_store();
        let reading = tokio::spawn(async move {
            while let Some(Ok(_)) = records.recv().await {
                tokio::time::sleep(Duration::from_secs(50)).await;
            }
        });
        let (began, value) = (Instant::now(), vec![7; size]);
        let value = bytes::Bytes::from(value);
        for key in 0.. {
            let value = value.clone();
            let sent = feed
                .send(Record {
                    value,
                    ..record(key)
                })
                .await;
            if let Err(error) = sent {
                assert!(error.to_string().ends_with("too slowly"), "{error}");
                break;
            }
        }
        drop(feed);
        reading.abort();
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_only_drips_does_not_keep_an_export_open() {
        assert!(lasts(5).await <= 120);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_keeps_the_pace_has_an_hour() {
        let lasted = lasts(4 << 20).await;
        assert!((3_500..=3_660).contains(&lasted), "{lasted}");
    }

    #[tokio::test]
    async fn a_sender_that_is_dropped_has_failed_also_when_the_channel_is_full() {
        let (mut feed, mut records) = Feed::into_a_store();
        for key in 0..WAITING {
            feed.send(record(key)).await.unwrap();
        }
        drop(feed);
        for _ in 0..WAITING {
            records.recv().await.unwrap().unwrap();
        }
        assert!(records.recv().await.unwrap().is_err());
        assert!(records.recv().await.is_none());
    }

    #[tokio::test]
    async fn what_is_complete_ends_well() {
        let (mut feed, mut records) = Feed::into_a_store();
        feed.send(record(1)).await.unwrap();
        feed.complete();
        assert!(records.recv().await.unwrap().is_ok());
        assert!(records.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_not_waited_for() {
        let (mut feed, _records) = Feed::into_a_store();
        for key in 0..WAITING {
            feed.send(record(key)).await.unwrap();
        }
        assert!(feed.send(record(0)).await.is_err());
    }
}
