//! What both backends promise, tried on both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::clock::{Hands, StoreClock};
use super::embedded::EmbeddedStore;
use super::memory::MemoryStore;
use crate::core::{
    ByteSize, ComponentName, Key, KvStore, Quota, Record, Records, Revision, StoreError, StoreSpec,
    Stored, Swap, Timestamp, Usage, Write,
};

/// Both stores, and the clock that they go by.
struct Both {
    stores: [Arc<dyn KvStore>; 2],
    hands: Arc<Hands>,
    _dir: TempDir,
}

impl Both {
    fn new(spec: StoreSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hands = Hands::at(1_000_000_000_000);
        let clock = || StoreClock::new(hands.clone());
        let memory = MemoryStore::with_clock(spec.clone(), clock());
        let name = "default".parse().unwrap();
        let file = EmbeddedStore::open_with_clock(dir.path(), &name, spec, clock()).unwrap();
        Self {
            stores: [Arc::new(memory), Arc::new(file)],
            hands,
            _dir: dir,
        }
    }

    fn with_defaults() -> Self {
        Self::new(StoreSpec::default())
    }
}

fn cart() -> ComponentName {
    "cart".parse().unwrap()
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn set(key: &str, value: &str) -> Write {
    set_for(key, value, None)
}

fn set_for(key: &str, value: &str, millis: Option<u64>) -> Write {
    Write::Set {
        key: key.parse().unwrap(),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ttl: millis.map(Duration::from_millis),
    }
}

fn delete(key: &str) -> Write {
    let key = key.parse().unwrap();
    Write::Delete { key }
}

async fn value(store: &dyn KvStore, text: &str) -> Option<String> {
    let stored = store.get(&cart(), &key(text)).await.unwrap();
    stored.map(|stored| String::from_utf8(stored.value.to_vec()).unwrap())
}

async fn listed(store: &dyn KvStore, prefix: &str, after: Option<&str>, limit: usize) -> String {
    let page = store.keys(&cart(), prefix, after, limit).await.unwrap();
    let mut keys: Vec<&str> = page.keys.iter().map(Key::as_str).collect();
    if page.more {
        keys.push("…");
    }
    keys.join(" ")
}

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
async fn what_has_expired_is_not_there_whatever_the_wall_clock_says() {
    let both = Both::with_defaults();
    let batch = || {
        vec![
            set_for("short", "1", Some(100)),
            set_for("long", "1", Some(1_000_000)),
        ]
    };
    for store in &both.stores {
        store.write(&cart(), batch()).await.unwrap();
    }
    both.hands.set_wall(9_000_000_000_000);
    for store in &both.stores {
        assert_eq!(listed(&**store, "", None, 10).await, "long short");
    }
    both.hands.set_wall(0);
    both.hands.pass(100);
    for store in &both.stores {
        assert_eq!(listed(&**store, "", None, 10).await, "long");
        assert_eq!(value(&**store, "short").await, None);
        let swap = store
            .swap(&cart(), &key("short"), None, "2".into(), None)
            .await
            .unwrap();
        assert!(matches!(swap, Swap::Swapped(_)));
        assert_eq!(value(&**store, "short").await.unwrap(), "2");
        assert_eq!(value(&**store, "long").await.unwrap(), "1");
    }
}

#[tokio::test]
async fn what_has_expired_makes_room_before_a_write_is_refused() {
    let quota = Quota {
        bytes: ByteSize(10),
        keys: 2,
    };
    let both = Both::new(StoreSpec {
        quota,
        ..StoreSpec::default()
    });
    for store in &both.stores {
        let batch = vec![
            set_for("a", "1", Some(100)),
            set_for("b", "1234567", Some(1_000)),
        ];
        store.write(&cart(), batch).await.unwrap();
        assert!(store.write(&cart(), vec![set("c", "1")]).await.is_err());
    }
    both.hands.pass(100);
    for store in &both.stores {
        store.write(&cart(), vec![set("c", "1")]).await.unwrap();
        assert_eq!(store.usage(&cart()).await, Ok(Usage { bytes: 10, keys: 2 }));
        assert_eq!(listed(&**store, "", None, 10).await, "b c");
    }
}

async fn all(mut records: Records) -> Vec<Record> {
    let mut all = Vec::new();
    while let Some(record) = records.recv().await {
        all.push(record.unwrap());
    }
    all
}

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

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Write>),
    Increment(u8, i64),
    Swap(u8, bool, u8),
    Pass(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = (
        0..6_u8,
        any::<bool>(),
        0..20_usize,
        prop::option::of(0..300_u64),
    );
    let write = write.prop_map(|(key, sets, size, ttl)| match sets {
        true => set_for(&format!("k{key}"), &"7".repeat(size), ttl),
        false => delete(&format!("k{key}")),
    });
    let step = prop_oneof![
        prop::collection::vec(write, 0..5).prop_map(Step::Write),
        (0..6_u8, -9..9_i64).prop_map(|(key, delta)| Step::Increment(key, delta)),
        (0..6_u8, any::<bool>(), 0..9_u8).prop_map(|(key, right, n)| Step::Swap(key, right, n)),
        (1..200_u16).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..25)
}

/// What a step answers, without revisions, which differ between stores.
async fn take(store: &dyn KvStore, step: &Step) -> String {
    let name = |n: &u8| key(&format!("k{n}"));
    match step {
        Step::Write(writes) => format!("{:?}", store.write(&cart(), writes.clone()).await),
        Step::Increment(key, delta) => {
            format!("{:?}", store.increment(&cart(), &name(key), *delta).await)
        }
        Step::Swap(key, right, n) => {
            let there = store.get(&cart(), &name(key)).await.unwrap();
            let expected = there.map(|stored| stored.revision).filter(|_| *right);
            let (space, key, value) = (cart(), name(key), n.to_string().into());
            match store.swap(&space, &key, expected, value, None).await {
                Ok(Swap::Swapped(_)) => "swapped".into(),
                Ok(Swap::Changed(there)) => format!("{:?}", there.map(|there| there.value)),
                Err(error) => error.to_string(),
            }
        }
        Step::Pass(_) => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_backends_answer_alike(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let quota = Quota { bytes: ByteSize(60), keys: 4 };
            let both = Both::new(StoreSpec { quota, ..StoreSpec::default() });
            let [memory, file] = &both.stores;
            for step in &steps {
                if let Step::Pass(millis) = step {
                    both.hands.pass(u64::from(*millis));
                }
                let answers = (take(&**memory, step).await, take(&**file, step).await);
                assert_eq!(answers.0, answers.1, "{step:?}");
                let records = [memory, file].map(|store| store.export());
                let [one, two] = records;
                assert_eq!(all(one.await.unwrap()).await, all(two.await.unwrap()).await);
            }
        });
    }
}
