//! Backups that come back, and those that must not.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{BackupError, encode, restore};
use crate::core::{
    Backup as _, ComponentName, Key, KvStore, Record, StoreError, StoreName, StoreSpec, Timestamp,
    Write,
};
use crate::storage::feed::Feed;
use crate::storage::memory::MemoryStore;

fn name() -> StoreName {
    "default".parse().unwrap()
}

fn cart() -> ComponentName {
    "cart".parse().unwrap()
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// A store with one value, which a restore would replace.
async fn store() -> MemoryStore {
    let store = MemoryStore::new(StoreSpec::default());
    let set = Write::Set {
        key: key("old"),
        value: "old".into(),
        ttl: None,
    };
    store.write(&cart(), vec![set]).await.unwrap();
    store
}

fn records() -> Vec<Record> {
    let record = |space: &str, key: &str, value: Vec<u8>, expires| Record {
        space: space.parse().unwrap(),
        key: key.parse().unwrap(),
        value: value.into(),
        expires,
    };
    let far = Some(Timestamp::from_millis(9_000_000_000_000));
    vec![
        record("cart", "a \"quoted\" größe", vec![0, 255, 10, 13], None),
        record("cart", "large", vec![7; 300_000], None),
        record("cart.2", "empty", vec![], far),
    ]
}

async fn encoded(records: Vec<Record>) -> Vec<u8> {
    let (mut feed, receiver) = Feed::into_a_store();
    for record in records {
        feed.send(record).await.unwrap();
    }
    feed.complete();
    let taken = Timestamp::from_millis(1_769_860_800_007);
    let chunks = encode(&name(), taken, receiver);
    let chunks: Vec<Bytes> = chunks.map(Result::unwrap).collect().await;
    chunks.concat()
}

async fn restored(store: &MemoryStore, bytes: &[u8], chunk: usize) -> Result<u64, BackupError> {
    let chunks = bytes.chunks(chunk).map(Bytes::copy_from_slice);
    let chunks: Vec<Result<Bytes, Infallible>> = chunks.map(Ok).collect();
    restore(store, Some(&name()), stream::iter(chunks)).await
}

async fn exported(store: &MemoryStore) -> Vec<Record> {
    let mut records = store.export().await.unwrap();
    let mut all = Vec::new();
    while let Some(record) = records.recv().await {
        all.push(record.unwrap());
    }
    all
}

async fn is_untouched(store: &MemoryStore) -> bool {
    let records = exported(store).await;
    records.len() == 1 && records[0].key == key("old")
}

#[tokio::test]
async fn a_backup_comes_back_in_chunks_of_any_size() {
    let bytes = encoded(records()).await;
    for chunk in [1, 7, 1_000, usize::MAX] {
        let store = store().await;
        assert_eq!(restored(&store, &bytes, chunk).await.unwrap(), 3);
        assert_eq!(exported(&store).await, records());
    }
}

#[tokio::test]
async fn a_backup_reads_as_it_is_documented() {
    let text = String::from_utf8(encoded(records()).await).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let head = r#"{"format":"airgate-store","version":1,"store":"default","taken":"2026-01-31T12:00:00.007Z"}"#;
    assert_eq!(lines[0], head);
    assert_eq!(
        lines[1],
        r#"{"space":"cart","key":"a \"quoted\" größe","value":"AP8KDQ=="}"#
    );
    assert_eq!(
        lines[3],
        r#"{"space":"cart.2","key":"empty","value":"","expires":"2255-03-14T16:00:00.000Z"}"#
    );
    assert!(lines[4].starts_with(r#"{"records":3,"sha256":""#));
}

#[tokio::test]
async fn a_backup_that_is_cut_off_anywhere_changes_nothing() {
    let mut few = records();
    few.remove(1);
    let bytes = encoded(few).await;
    let store = store().await;
    for length in 0..bytes.len() {
        let error = restored(&store, &bytes[..length], 64).await;
        assert!(
            matches!(error, Err(BackupError::CutOff { .. })),
            "{length}: {error:?}"
        );
    }
    assert!(is_untouched(&store).await);
}

#[tokio::test]
async fn a_backup_that_was_altered_anywhere_changes_nothing() {
    let mut few = records();
    few.remove(1);
    let bytes = encoded(few).await;
    let store = store().await;
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(restored(&store, &altered, 64).await.is_err(), "byte {at}");
    }
    assert!(is_untouched(&store).await);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_line() {
    let text = String::from_utf8(encoded(records()).await).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let twice = joined(&[lines[0], lines[1], lines[1]]);
    let fewer = joined(&[lines[0], lines[1], lines[4]]);
    let more = format!("{text}{{}}\n");
    let foreign = text.replace("airgate-store", "other-store");
    let newer = text.replace("\"version\":1", "\"version\":2");
    let other = text.replace("\"store\":\"default\"", "\"store\":\"other\"");
    let store = store().await;
    for (backup, expected) in [
        (
            "PK\u{3}\u{4}\n".to_owned(),
            "line 1: this is no backup of a store",
        ),
        (foreign, "line 1: this is no backup of a store"),
        (
            newer,
            "line 1: the backup has version 2, and this Airgate reads version 1",
        ),
        (
            other,
            "line 1: this is a backup of store \"other\", not of default",
        ),
        (
            twice,
            "line 3: the record is not in its order, or is there twice",
        ),
        (
            fewer,
            "the backup has been altered: it has 1 records, and should have 3",
        ),
        (more, "line 6: something follows the end of the backup"),
        (
            joined(&lines[..4]),
            "the backup is cut off after line 4: its last line is missing",
        ),
    ] {
        let error = restored(&store, backup.as_bytes(), 99).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(is_untouched(&store).await);
}

#[tokio::test]
async fn an_upload_that_breaks_off_changes_nothing() {
    let bytes = encoded(records()).await;
    let store = store().await;
    let chunks = stream::iter([
        Ok(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])),
        Err("connection reset"),
    ]);
    let error = restore(&store, None, chunks).await.unwrap_err();
    assert_eq!(error.to_string(), "the upload broke off: connection reset");
    assert!(is_untouched(&store).await);
}

#[tokio::test]
async fn a_line_without_end_is_not_waited_for() {
    let store = store().await;
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 20])));
    let error = restore(&store, None, endless).await.unwrap_err();
    assert_eq!(error.to_string(), "line 1: the line is too long");
}

#[tokio::test]
async fn an_export_that_fails_makes_no_backup_that_is_taken() {
    let (mut feed, receiver) = Feed::into_a_store();
    feed.send(records().remove(0)).await.unwrap();
    feed.fail(StoreError::Corrupt("damaged".into()));
    let chunks: Vec<_> = encode(&name(), Timestamp::now(), receiver).collect().await;
    assert_eq!(
        chunks.last().unwrap(),
        &Err(StoreError::Corrupt("damaged".into()))
    );
    let store = store().await;
    let error = restore(&store, None, stream::iter(chunks))
        .await
        .unwrap_err();
    assert!(matches!(error, BackupError::Upload(_)), "{error:?}");
    assert!(is_untouched(&store).await);
}
