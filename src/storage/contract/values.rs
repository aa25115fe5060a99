//! What is written and read, and what is refused.

use super::help::{Both, cart, delete, key, listed, set, set_for, value};
use crate::core::{
    ByteSize, ComponentName, Key, Quota, Revision, StoreError, StoreSpec, Stored, Swap, Usage,
};

#[tokio::test]
async fn what_is_written_is_read_by_its_component_alone() {
    let both = Both::with_defaults();
    for store in &both.stores {
        store
            .write(&cart(), vec![set("a", "1"), set("b", "2")])
            .await
            .unwrap();
        assert_eq!(value(&**store, "a").await.unwrap(), "1");
        let other = "cart-2".parse().unwrap();
        assert_eq!(store.get(&other, &key("a")).await, Ok(None));
        let page = store.keys(&other, "", None, 10).await.unwrap();
        assert!(page.keys.is_empty());
        let keys = [key("b"), key("x"), key("a")];
        let many = store.get_many(&cart(), &keys).await.unwrap();
        let values: Vec<_> = many
            .iter()
            .map(|s| s.as_ref().map(|s| &s.value[..]))
            .collect();
        assert_eq!(values, [Some(&b"2"[..]), None, Some(&b"1"[..])]);
    }
}

#[tokio::test]
async fn a_batch_is_made_in_its_order_and_counts_what_is_gone() {
    let both = Both::with_defaults();
    for store in &both.stores {
        store
            .write(&cart(), vec![set("a", "1"), set("b", "2")])
            .await
            .unwrap();
        let batch = vec![
            delete("a"),
            delete("x"),
            set("n", "1"),
            delete("n"),
            set("b", "3"),
            delete("b"),
            set("b", "4"),
        ];
        assert_eq!(store.write(&cart(), batch).await, Ok(1));
        assert_eq!(listed(&**store, "", None, 10).await, "b");
        assert_eq!(value(&**store, "b").await.unwrap(), "4");
        let usage = store.usage(&cart()).await;
        assert_eq!(usage, Ok(Usage { bytes: 2, keys: 1 }));
        assert_eq!(store.write(&cart(), vec![delete("b")]).await, Ok(1));
        assert_eq!(store.spaces().await, Ok(vec![]));
    }
}

#[tokio::test]
async fn too_much_at_once_is_refused_before_anything_is_written() {
    let both = Both::new(StoreSpec {
        max_value: ByteSize(4),
        ..StoreSpec::default()
    });
    for store in &both.stores {
        let many = (0..1_001).map(|n| set(&n.to_string(), "")).collect();
        assert_eq!(
            store.write(&cart(), many).await,
            Err(StoreError::TooMany(1_000))
        );
        let keys: Vec<Key> = (0..1_001).map(|n| key(&n.to_string())).collect();
        assert_eq!(
            store.get_many(&cart(), &keys).await,
            Err(StoreError::TooMany(1_000))
        );
        let large = StoreError::TooLarge {
            size: ByteSize(5),
            limit: ByteSize(4),
        };
        let batch = vec![set("a", "1"), set("b", "12345")];
        assert_eq!(store.write(&cart(), batch).await, Err(large.clone()));
        let swap = store
            .swap(&cart(), &key("a"), None, "12345".into(), None)
            .await;
        assert_eq!(swap, Err(large));
        assert_eq!(store.usage(&cart()).await, Ok(Usage::default()));
    }
}

#[tokio::test]
async fn a_quota_refuses_what_grows_and_nothing_else() {
    let quota = Quota {
        bytes: ByteSize(10),
        keys: 3,
    };
    let both = Both::new(StoreSpec {
        quota,
        ..StoreSpec::default()
    });
    for store in &both.stores {
        store
            .write(&cart(), vec![set("a", "1234"), set("b", "123")])
            .await
            .unwrap();
        let error = store.write(&cart(), vec![set("c", "1")]).await.unwrap_err();
        let (wanted, limit) = (ByteSize(11), ByteSize(10));
        assert_eq!(error, StoreError::QuotaBytes { wanted, limit });
        assert_eq!(
            store.write(&cart(), vec![delete("a"), set("c", "1")]).await,
            Ok(1)
        );
        store.write(&cart(), vec![set("d", "")]).await.unwrap();
        let error = store.write(&cart(), vec![set("e", "")]).await.unwrap_err();
        assert_eq!(error, StoreError::QuotaKeys { limit: 3 });
        let other: ComponentName = "other".parse().unwrap();
        store
            .write(&other, vec![set("a", "12345678")])
            .await
            .unwrap();
        assert_eq!(store.usage(&cart()).await, Ok(Usage { bytes: 7, keys: 3 }));
        let spaces: Vec<_> = store
            .spaces()
            .await
            .unwrap()
            .into_iter()
            .map(|s| s.0)
            .collect();
        assert_eq!(spaces, [cart(), other]);
    }
}

#[tokio::test]
async fn a_swap_needs_the_revision_that_is_there() {
    let both = Both::with_defaults();
    for store in &both.stores {
        let swap = |expected, value: &'static str| {
            let store = store.clone();
            async move {
                store
                    .swap(&cart(), &key("a"), expected, value.into(), None)
                    .await
                    .unwrap()
            }
        };
        let Swap::Swapped(first) = swap(None, "1").await else {
            panic!()
        };
        let there = Stored {
            value: "1".into(),
            revision: first,
            expires: None,
        };
        assert_eq!(swap(None, "2").await, Swap::Changed(Some(there.clone())));
        let other = Revision(first.0 + 1);
        assert_eq!(swap(Some(other), "2").await, Swap::Changed(Some(there)));
        let Swap::Swapped(second) = swap(Some(first), "2").await else {
            panic!()
        };
        store.write(&cart(), vec![delete("a")]).await.unwrap();
        assert_eq!(swap(Some(second), "3").await, Swap::Changed(None));
        let Swap::Swapped(third) = swap(None, "2").await else {
            panic!()
        };
        assert!(third != first && third != second);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_of_eight_tasks_add_up_and_of_many_swaps_one_wins() {
    let both = Both::with_defaults();
    for store in &both.stores {
        let tasks = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    store.increment(&cart(), &key("n"), 3).await.unwrap();
                }
                store
                    .swap(&cart(), &key("lock"), None, "mine".into(), None)
                    .await
                    .unwrap()
            })
        });
        let mut won = 0;
        for task in tasks.collect::<Vec<_>>() {
            won += i32::from(matches!(task.await.unwrap(), Swap::Swapped(_)));
        }
        assert_eq!(value(&**store, "n").await.unwrap(), "1200");
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn only_a_number_is_counted_up_and_it_keeps_its_time() {
    let both = Both::with_defaults();
    for store in &both.stores {
        store
            .write(
                &cart(),
                vec![
                    set("t", "x"),
                    set("e", ""),
                    set("p", "+1"),
                    set_for("n", "-5", Some(100)),
                ],
            )
            .await
            .unwrap();
        for bad in ["t", "e", "p"] {
            assert_eq!(
                store.increment(&cart(), &key(bad), 1).await,
                Err(StoreError::NotANumber)
            );
        }
        let expires = store
            .get(&cart(), &key("n"))
            .await
            .unwrap()
            .unwrap()
            .expires;
        assert_eq!(store.increment(&cart(), &key("n"), 7).await, Ok(2));
        let after = store.get(&cart(), &key("n")).await.unwrap().unwrap();
        assert_eq!((after.value, after.expires), ("2".into(), expires));
        assert!(expires.is_some());
        assert_eq!(
            store.increment(&cart(), &key("m"), i64::MAX).await,
            Ok(i64::MAX)
        );
        assert_eq!(
            store.increment(&cart(), &key("m"), 1).await,
            Err(StoreError::Overflow)
        );
    }
}

#[tokio::test]
async fn keys_come_by_prefix_in_order_and_in_pages() {
    let both = Both::with_defaults();
    for store in &both.stores {
        let keys = ["b", "a1", "a", "aé", "a2", "c"];
        store
            .write(&cart(), keys.map(|key| set(key, "")).into())
            .await
            .unwrap();
        let store = &**store;
        assert_eq!(listed(store, "", None, 10).await, "a a1 a2 aé b c");
        assert_eq!(listed(store, "a", None, 2).await, "a a1 …");
        assert_eq!(listed(store, "a", Some("a1"), 2).await, "a2 aé");
        assert_eq!(listed(store, "b", Some("a"), 2).await, "b");
        assert_eq!(listed(store, "a", Some("b"), 2).await, "");
        assert_eq!(listed(store, "", Some("c"), 2).await, "");
        assert_eq!(listed(store, "x", None, 2).await, "");
    }
}

#[tokio::test]
async fn a_sum_below_the_least_is_never_written() {
    let both = Both::with_defaults();
    for store in &both.stores {
        store.write(&cart(), vec![set("n", "-5")]).await.unwrap();
        let before = store.get(&cart(), &key("n")).await.unwrap();
        let refused = store.add(&cart(), &key("n"), 2, 0).await;
        assert_eq!(refused, Err(StoreError::Overflow));
        assert_eq!(store.get(&cart(), &key("n")).await.unwrap(), before);
        assert_eq!(store.add(&cart(), &key("n"), 5, 0).await, Ok(0));
        assert_eq!(store.add(&cart(), &key("new"), -1, -1).await, Ok(-1));
    }
}
