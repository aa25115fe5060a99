//! Records on their way. Whoever reads them is told if they end too early: a sender that is
//! dropped, for whatever reason, has failed, unless it said that it is complete.

use std::time::Duration;

use tokio::sync::mpsc::{self, OwnedPermit, Sender};

use crate::core::{Record, Records, StoreError};

/// Records that wait for the reader.
const WAITING: usize = 64;
/// How long the reader may take for one: it keeps a moment of the store alive.
const PATIENCE: Duration = Duration::from_secs(60);

type Item = Result<Record, StoreError>;

/// Where records come from.
pub(super) struct Feed {
    sender: Sender<Item>,
    /// A place that is kept for the bad news, however full the channel is.
    verdict: Option<OwnedPermit<Item>>,
}

impl Feed {
    pub fn new() -> (Self, Records) {
        let (sender, records) = mpsc::channel(WAITING + 1);
        let verdict = sender.clone().try_reserve_owned().ok();
        (Self { sender, verdict }, records)
    }

    /// # Errors
    /// The reader has gone, or takes nothing any more.
    pub async fn send(&mut self, record: Record) -> Result<(), StoreError> {
        let sent = self.sender.send_timeout(Ok(record), PATIENCE).await;
        sent.map_err(|_| StoreError::Unavailable("nobody reads the records any more".into()))
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

    #[tokio::test]
    async fn a_sender_that_is_dropped_has_failed_also_when_the_channel_is_full() {
        let (mut feed, mut records) = Feed::new();
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
        let (mut feed, mut records) = Feed::new();
        feed.send(record(1)).await.unwrap();
        feed.complete();
        assert!(records.recv().await.unwrap().is_ok());
        assert!(records.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_not_waited_for() {
        let (mut feed, _records) = Feed::new();
        for key in 0..WAITING {
            feed.send(record(key)).await.unwrap();
        }
        assert!(feed.send(record(0)).await.is_err());
    }
}
