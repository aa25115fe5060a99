//! Waiting for conditions, with an end.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, and fails the test where it never does.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

/// As [`eventually`], for promises with a time in them.
pub async fn eventually_within(
    time: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < time, "after {time:?} still not: {what}");
        sleep(LOOK_AGAIN).await;
    }
}

/// What `future` gives, or the end of the test.
pub async fn within<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match timeout(time, future).await {
        Ok(value) => value,
        Err(_) => panic!("after {time:?} still waiting: {what}"),
    }
}
