//! Everything at once: import and export.

use super::help::{Both, all, cart, delete, key, listed, set};
use crate::core::{
    ByteSize, Quota, Record, Records, StoreError, StoreSpec, Swap, Timestamp, Usage,
};

fn sent(records: Vec<Result<Record, StoreError>>) -> Records {
    let (sender, receiver) = tokio::sync::mpsc::channel(records.len().max(1));
    records
        .into_iter()
        .for_each(|record| sender.try_send(record).unwrap());
    receiver
}

#[tokio::test]
async fn an_import_replaces_everything_or_nothing() {
    let quota = Quota {
        bytes: ByteSize(10),
        keys: 2,
    };
    let both = Both::new(StoreSpec {
        quota,
        ..StoreSpec::default()
    });
    let record = |space: &str, key: &str, expires| Record {
        space: space.parse().unwrap(),
        key: key.parse().unwrap(),
        value: "more than the quota has".into(),
        expires,
    };
    for (store, backup) in both.stores.iter().zip(&both.backups) {
        store.write(&cart(), vec![set("old", "1")]).await.unwrap();
        let before = store
            .get(&cart(), &key("old"))
            .await
            .unwrap()
            .unwrap()
            .revision;
        let broken = vec![Ok(record("cart", "new", None)), Err(StoreError::Busy)];
        assert_eq!(backup.import(sent(broken)).await, Err(StoreError::Busy));
        assert_eq!(listed(&**store, "", None, 10).await, "old");
        let expires = Some(Timestamp::from_millis(1_000_000_000_100));
        let whole = vec![
            record("cart", "new", None),
            record("cart", "old", expires),
            record("other", "x", None),
        ];
        let import = backup.import(sent(whole.iter().cloned().map(Ok).collect()));
        assert_eq!(import.await, Ok(3));
        assert_eq!(all(backup.export().await.unwrap()).await, whole);
        let after = store
            .get(&cart(), &key("old"))
            .await
            .unwrap()
            .unwrap()
            .revision;
        assert!(after.0 > before.0);
        assert_eq!(store.usage(&cart()).await, Ok(Usage { bytes: 52, keys: 2 }));
        store.write(&cart(), vec![delete("new")]).await.unwrap();
    }
    both.hands.pass(100);
    for (store, backup) in both.stores.iter().zip(&both.backups) {
        assert_eq!(listed(&**store, "", None, 10).await, "");
        assert_eq!(backup.import(sent(Vec::new())).await, Ok(0));
        assert_eq!(store.spaces().await, Ok(vec![]));
    }
}

#[tokio::test]
async fn what_was_read_before_an_import_swaps_nothing_after_it() {
    let both = Both::with_defaults();
    for (store, backup) in both.stores.iter().zip(&both.backups) {
        let (sender, records) = tokio::sync::mpsc::channel(1);
        let meanwhile = async {
            for key in ["old", "one", "two"] {
                let record = Record {
                    space: cart(),
                    key: key.parse().unwrap(),
                    value: "restored".into(),
                    expires: None,
                };
                sender.send(Ok(record)).await.unwrap();
            }
            // It has begun, and what others read now is of the old store.
            let mut read = Vec::new();
            for _ in 0..10 {
                store.write(&cart(), vec![set("old", "1")]).await.unwrap();
                let stored = store.get(&cart(), &key("old")).await.unwrap();
                read.push(stored.unwrap().revision);
            }
            drop(sender);
            read
        };
        let (imported, read) = tokio::join!(backup.import(records), meanwhile);
        assert_eq!(imported, Ok(3));
        for revision in read {
            let (space, key, new) = (cart(), key("old"), "new".into());
            let swap = store.swap(&space, &key, Some(revision), new, None);
            assert!(
                matches!(swap.await, Ok(Swap::Changed(Some(_)))),
                "{revision:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_while_others_write_is_one_moment() {
    let both = Both::with_defaults();
    for (store, backup) in both.stores.iter().zip(&both.backups) {
        let pair = |n: usize| {
            let n = n.to_string();
            (0..20)
                .map(|k| set(&format!("k{k}"), &n))
                .collect::<Vec<_>>()
        };
        store.write(&cart(), pair(0)).await.unwrap();
        let writing = {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 1..100 {
                    store.write(&cart(), pair(n)).await.unwrap();
                }
            })
        };
        while !writing.is_finished() {
            let records = all(backup.export().await.unwrap()).await;
            assert_eq!(records.len(), 20);
            assert!(
                records
                    .iter()
                    .all(|record| record.value == records[0].value)
            );
        }
        writing.await.unwrap();
    }
}

#[tokio::test]
async fn no_upload_grows_memory_without_end() {
    let both = Both::with_defaults();
    let [memory, _] = &both.backups;
    let [store, _] = &both.stores;
    store.write(&cart(), vec![set("old", "1")]).await.unwrap();
    let value = bytes::Bytes::from(vec![0; 1 << 20]);
    let (sender, records) = tokio::sync::mpsc::channel(1);
    // They share one value, so that this test is small itself.
    let sending = async move {
        for number in 0..2_000 {
            let record = Record {
                space: cart(),
                key: key(&number.to_string()),
                value: value.clone(),
                expires: None,
            };
            if sender.send(Ok(record)).await.is_err() {
                return number;
            }
        }
        2_000
    };
    let (imported, sent) = tokio::join!(memory.import(records), sending);
    assert!(
        matches!(imported, Err(StoreError::TooLarge { limit, .. }) if limit == ByteSize(1 << 30)),
        "{imported:?}"
    );
    assert!(sent <= 1_026, "{sent} MiB were taken");
    assert_eq!(listed(&**store, "", None, 10).await, "old");
}
