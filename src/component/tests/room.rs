//! An engine that is full.

use super::*;
use crate::core::Reuse;

/// As many as one engine has, over all components.
const ROOM: u32 = 2_000;

#[tokio::test]
async fn where_all_room_is_taken_the_idle_give_way() {
    let host = host();
    let mut spec = actor("counter", Some("x-user"));
    spec.instances.max = (ROOM + 100).try_into().unwrap();
    let actors = hosted(&host, spec).await;
    for user in 0..ROOM + 50 {
        let count = ask(&actors, "/", &user.to_string()).await;
        assert_eq!(count.unwrap(), "1", "{user}");
    }
    assert!(actors.instances().idle <= ROOM);
    // The others too: fresh instances, and those that stay.
    let mut spec = super::spec("counter");
    spec.instances.reuse = Reuse::Serial {
        requests: std::num::NonZeroU32::MAX,
    };
    let pooled = hosted(&host, spec).await;
    assert_eq!(get(&pooled).await.unwrap(), "1");
    // The youngest are still there, and so is what they remember.
    let youngest = (ROOM + 49).to_string();
    assert_eq!(ask(&actors, "/", &youngest).await.unwrap(), "2");
}

#[tokio::test]
async fn who_has_no_key_never_gives_way() {
    let host = host();
    let alone = hosted(&host, actor("counter", None)).await;
    assert_eq!(get(&alone).await.unwrap(), "1");
    let mut spec = actor("counter", Some("x-user"));
    spec.instances.max = (ROOM + 100).try_into().unwrap();
    let actors = hosted(&host, spec).await;
    for user in 0..ROOM + 10 {
        ask(&actors, "/", &user.to_string()).await.unwrap();
    }
    assert_eq!(get(&alone).await.unwrap(), "2");
}
