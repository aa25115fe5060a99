//! Everything at once: import and export.

use super::help::{Both, all, cart, delete, key, listed, set};
use crate::core::{ByteSize, Quota, Record, Records, StoreError, StoreSpec, Timestamp, Usage};

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
    for store in &both.stores {
        store.write(&cart(), vec![set("old", "1")]).await.unwrap();
        let before = store
            .get(&cart(), &key("old"))
            .await
            .unwrap()
            .unwrap()
            .revision;
        let broken = vec![Ok(record("cart", "new", None)), Err(StoreError::Busy)];
        assert_eq!(store.import(sent(broken)).await, Err(StoreError::Busy));
        assert_eq!(listed(&**store, "", None, 10).await, "old");
        let expires = Some(Timestamp::from_millis(1_000_000_000_100));
        let whole = vec![
            record("cart", "new", None),
            record("cart", "old", expires),
            record("other", "x", None),
        ];
        let import = store.import(sent(whole.iter().cloned().map(Ok).collect()));
        assert_eq!(import.await, Ok(3));
        assert_eq!(all(store.export().await.unwrap()).await, whole);
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
    for store in &both.stores {
        assert_eq!(listed(&**store, "", None, 10).await, "");
        assert_eq!(store.import(sent(Vec::new())).await, Ok(0));
        assert_eq!(store.spaces().await, Ok(vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_while_others_write_is_one_moment() {
    let both = Both::with_defaults();
    for store in &both.stores {
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
            let records = all(store.export().await.unwrap()).await;
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
