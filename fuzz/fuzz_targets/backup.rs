//! A backup is taken as a whole or not at all, and what was taken can be written and taken again.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use airgate_fuzz::core::{
    Backup as _, KvStore as _, Record, StoreName, StoreSpec, Timestamp, Write,
};
use airgate_fuzz::storage::{BackupError, MemoryStore, encode, restore};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

const HEAD: &str = r#"{"format":"airgate-store","version":1,"store":"default","taken":"2026-01-31T12:00:00.000Z"}"#;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().unwrap()
});

fuzz_target!(|text: &str| {
    RUNTIME.block_on(async {
        taken_or_not(text.as_bytes()).await;
        taken_or_not(&sealed(text)).await;
    });
});

/// With a head and a last line that are right: what is wrong is between them.
fn sealed(records: &str) -> Vec<u8> {
    let mut text = format!("{HEAD}\n{records}");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let records = text.lines().count() - 1;
    let hash = Sha256::digest(text.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    text += &format!("{{\"records\":{records},\"sha256\":\"{hash}\"}}\n");
    text.into_bytes()
}

async fn taken_or_not(bytes: &[u8]) {
    let store = MemoryStore::new(StoreSpec::default());
    let (space, key) = ("cart".parse().unwrap(), "old".parse().unwrap());
    let (value, ttl) = (Bytes::from_static(b"old"), None);
    let write = Write::Set { key, value, ttl };
    store.write(&space, vec![write]).await.unwrap();
    let before = exported(&store).await;
    match restored(&store, bytes).await {
        Err(error) => {
            drop(error.to_string());
            assert_eq!(exported(&store).await, before, "nothing has changed");
        }
        Ok(_) => again(&store).await,
    }
}

async fn again(store: &MemoryStore) {
    let records = store.export().await.unwrap();
    let taken = Timestamp::from_millis(1_769_860_800_007);
    let chunks = encode(&name(), taken, records);
    let chunks: Vec<Bytes> = chunks.map(Result::unwrap).collect().await;
    let copy = MemoryStore::new(StoreSpec::default());
    restored(&copy, &chunks.concat()).await.unwrap();
    assert_eq!(exported(&copy).await, exported(store).await);
}

fn name() -> StoreName {
    "default".parse().unwrap()
}

async fn restored(store: &MemoryStore, bytes: &[u8]) -> Result<u64, BackupError> {
    let chunks = bytes.chunks(61).map(Bytes::copy_from_slice);
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
