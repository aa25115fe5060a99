//! What a store is after it was closed and opened, and while its clock jumps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::super::EmbeddedStore;
use super::help::{cart, file, key, name, open, read, set, write};
use crate::core::{Backup as _, KvStore as _, StoreSpec, Swap, Usage, Write};
use crate::storage::clock::{Hands, StoreClock};

fn open_at(dir: &std::path::Path, hands: std::sync::Arc<Hands>) -> EmbeddedStore {
    let clock = StoreClock::new(hands);
    EmbeddedStore::open_with_clock(dir, &name(), StoreSpec::default(), clock).unwrap()
}

fn short_lived(key: &str) -> Write {
    Write::Set {
        key: key.parse().unwrap(),
        value: "x".into(),
        ttl: Some(Duration::from_secs(10)),
    }
}

#[tokio::test]
async fn what_is_closed_is_there_when_it_is_opened_and_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, "a", "1").await;
    let first = store
        .get(&cart(), &key("a"))
        .await
        .unwrap()
        .unwrap()
        .revision;
    store.close();
    let store = open(dir.path());
    assert_eq!(read(&store, "a").await, Ok(Some("1".into())));
    let again = store
        .swap(&cart(), &key("a"), Some(first), "2".into(), None)
        .await;
    let Ok(Swap::Swapped(second)) = again else {
        panic!("{again:?}")
    };
    assert!(second.0 > first.0);
    let mode = fs::metadata(file(dir.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_store_that_is_made_anew_repeats_no_revision() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, "a", "1").await;
    let first = store
        .get(&cart(), &key("a"))
        .await
        .unwrap()
        .unwrap()
        .revision;
    store.close();
    fs::remove_file(file(dir.path())).unwrap();
    let store = open(dir.path());
    write(&store, "a", "1").await;
    let second = store
        .get(&cart(), &key("a"))
        .await
        .unwrap()
        .unwrap()
        .revision;
    assert!(second.0 > first.0);
}

#[tokio::test]
async fn a_clock_that_was_set_back_brings_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at(2_000_000_000_000);
    let store = open_at(dir.path(), hands.clone());
    store.write(&cart(), vec![short_lived("a")]).await.unwrap();
    hands.pass(10_000);
    write(&store, "b", "1").await;
    assert_eq!(read(&store, "a").await, Ok(None));
    store.close();
    let store = open_at(dir.path(), Hands::at(1_000_000_000_000));
    assert_eq!(read(&store, "a").await, Ok(None));
    // What is written now lives as long as it is told to.
    store.write(&cart(), vec![short_lived("c")]).await.unwrap();
    assert_eq!(read(&store, "c").await, Ok(Some("x".into())));
}

#[tokio::test]
async fn time_passes_while_a_store_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), Hands::at(1_000_000));
    store
        .write(&cart(), vec![short_lived("a"), set("b", "1")])
        .await
        .unwrap();
    store.close();
    let store = open_at(dir.path(), Hands::at(1_010_000));
    assert_eq!(read(&store, "a").await, Ok(None));
    assert_eq!(read(&store, "b").await, Ok(Some("1".into())));
}

#[tokio::test]
async fn what_has_expired_is_swept_without_anybody_asking() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at(1_000_000);
    let store = open_at(dir.path(), hands.clone());
    let batches = (0..3).map(|batch| (0..1_000).map(move |n| short_lived(&format!("{batch}-{n}"))));
    for batch in batches {
        store.write(&cart(), batch.collect()).await.unwrap();
    }
    write(&store, "stays", "1").await;
    hands.pass(10_000);
    let swept = async {
        while store.usage(&cart()).await != Ok(Usage { bytes: 6, keys: 1 }) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), swept)
        .await
        .unwrap();
    assert_eq!(read(&store, "stays").await, Ok(Some("1".into())));
}

/// Writes 500 values in many commits, and not one each: all wait for the disk, and an export that
/// nobody reads does not wait for longer than a minute.
async fn write_all(store: &EmbeddedStore, byte: u8) {
    for first in (0..500).step_by(10) {
        let sets = (first..first + 10).map(|n| set(&format!("k{n:03}"), vec![byte; 3_000]));
        store.write(&cart(), sets.collect()).await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_of_an_old_moment_keeps_it_while_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write_all(&store, 1).await;
    let mut export = store.export().await.unwrap();
    export.recv().await.unwrap().unwrap();
    write_all(&store, 2).await;
    let mut seen = 1;
    while let Some(record) = export.recv().await {
        assert_eq!(record.unwrap().value[0], 1);
        seen += 1;
    }
    assert_eq!(seen, 500);
}
