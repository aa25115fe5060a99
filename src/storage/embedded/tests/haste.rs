//! What is read where it is asked for, and what is not.

use futures_util::FutureExt as _;

use super::help::{cart, key, open, read, set, write};
use crate::core::KvStore as _;

#[tokio::test]
async fn a_small_value_is_read_at_once_and_a_large_one_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for (name, size) in [("small", 1_000), ("large", 100_000)] {
        write(&store, name, vec![7; size]).await;
        let scans = store.without_scans().await;
        let at_once = read(&store, name).now_or_never().is_some();
        assert_eq!(at_once, name == "small", "{name}");
        drop(scans);
        assert_eq!(read(&store, name).await, Ok(Some(vec![7; size].into())));
    }
    assert!(read(&store, "missing").now_or_never().is_some());
}

#[tokio::test]
async fn of_many_values_no_more_than_a_little_is_read_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for (size, at_once) in [(1_000, true), (8_000, false)] {
        let sets = (0..16).map(|n| set(&n.to_string(), vec![n; size]));
        store.write(&cart(), sets.collect()).await.unwrap();
        let keys: Vec<_> = (0..17).map(|n| key(&n.to_string())).collect();
        let scans = store.without_scans().await;
        let ready = store.get_many(&cart(), &keys).now_or_never();
        assert_eq!(ready.is_some(), at_once, "{size}");
        drop(scans);
        let values = store.get_many(&cart(), &keys).await.unwrap();
        assert!(values[16].is_none());
        for (n, stored) in values[..16].iter().enumerate() {
            assert_eq!(stored.as_ref().unwrap().value, vec![n as u8; size]);
        }
    }
}

/// More than the cache holds: redb is stopped in the middle of reads, and none is the worse.
#[tokio::test]
async fn large_values_that_are_not_cached_stop_nobody_either() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for first in (0..48).step_by(8) {
        let sets = (first..first + 8).flat_map(|n| {
            let large = set(&format!("{n:02}"), vec![n; 1 << 20]);
            [large, set(&format!("{n:02}-small"), vec![n])]
        });
        store.write(&cart(), sets.collect()).await.unwrap();
    }
    for n in 0..48_u8 {
        let name = format!("{n:02}");
        let scans = store.without_scans().await;
        assert!(read(&store, &name).now_or_never().is_none(), "{n}");
        drop(scans);
        let large = read(&store, &name).await;
        assert_eq!(large, Ok(Some(vec![n; 1 << 20].into())));
        let small = read(&store, &format!("{n:02}-small")).await;
        assert_eq!(small, Ok(Some(vec![n].into())));
    }
    write(&store, "after", "1").await;
}
