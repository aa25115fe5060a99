//! What expires.

use super::help::{Both, cart, key, listed, set, set_for, value};
use crate::core::{ByteSize, Quota, StoreSpec, Swap, Usage};

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
