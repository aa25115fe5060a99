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

/// Has as many instances made as there is room for, and somebody serve in each but so many.
async fn fill(host: &Host, but: u32) -> Vec<tokio::task::JoinHandle<()>> {
    let mut spec = super::spec("sleep");
    spec.instances.max = ROOM.try_into().unwrap();
    spec.limits.timeout = Duration::from_secs(600);
    let sleepers = hosted(host, spec).await;
    let asleep = (0..ROOM - but).map(|_| {
        let sleepers = sleepers.clone();
        tokio::spawn(async move { drop(ask(&sleepers, "/?ms=600000", "").await) })
    });
    let asleep = asleep.collect();
    until(|| sleepers.instances().busy == ROOM - but).await;
    asleep
}

#[tokio::test]
async fn who_has_no_key_never_gives_way() {
    let host = host();
    let alone = hosted(&host, actor("counter", None)).await;
    let other = hosted(&host, spec("counter")).await;
    assert_eq!(get(&alone).await.unwrap(), "1");
    let asleep = fill(&host, 1).await;
    assert!(matches!(get(&other).await, Err(InvokeError::Overloaded)));
    assert_eq!(get(&alone).await.unwrap(), "2");
    asleep[0].abort();
    until(|| asleep[0].is_finished()).await;
    assert_eq!(get(&other).await.unwrap(), "1");
}

#[tokio::test]
async fn who_is_slow_to_give_way_is_no_failure_of_others() {
    let host = host();
    let mut slow = actor("actor", Some("x-user"));
    let mut grants = Grants::default();
    grants.config.insert("shutdown".into(), Secret::new("hang"));
    slow.grants = Arc::new(grants);
    slow.supervision.shutdown_timeout = Duration::from_secs(60);
    let slow = hosted(&host, slow).await;
    let mut other = super::spec("counter");
    other.limits.timeout = Duration::from_millis(1_200);
    let other = hosted(&host, other).await;
    ask(&slow, "/add", "ann").await.unwrap();
    let _asleep = fill(&host, 1).await;
    // A second, and not the minute that the slow one may take.
    let refused = tokio::time::timeout(Duration::from_secs(20), get(&other)).await;
    assert!(matches!(refused, Ok(Err(InvokeError::Overloaded))));
    assert_eq!((other.restarts(), other.state()), (0, RunState::Running));
    assert_eq!(slow.instances().busy, 1, "it is told to end");
}
