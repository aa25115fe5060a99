//! What all requests to the admin API share.

use std::future::Future;
use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::admin::access::{AdminTokens, Hosts};
use crate::admin::answer::Problem;
use crate::admin::node::Node;
use crate::core::ByteSize;

/// Components that may be uploaded at once: each is in memory until it is deployed.
const UPLOADS: usize = 4;
/// Other changes at once.
const CHANGES: usize = 32;
/// Connections that may watch events at once.
const WATCHERS: usize = 64;

/// Messages of operators on their way at once: each is in memory until it is taken, or answered.
const MESSAGES: usize = 64;
/// Backups and restores at once: each keeps a moment of its store alive.
const BACKUPS: usize = 2;

/// Seconds after which something that is busy may be free again.
const SOON: u16 = 5;

pub(in crate::admin) type Shared = Arc<Context>;

pub(in crate::admin) struct Context {
    pub node: Arc<dyn Node>,
    pub tokens: AdminTokens,
    pub hosts: Hosts,
    pub artifact_limit: ByteSize,
    /// The OpenAPI document.
    pub openapi: Bytes,
    pub uploads: Places,
    pub changes: Places,
    pub watchers: Places,
    pub messages: Places,
    pub backups: Places,
}

impl Context {
    pub fn new(
        node: Arc<dyn Node>,
        tokens: AdminTokens,
        hosts: Hosts,
        artifact_limit: ByteSize,
        openapi: Bytes,
    ) -> Self {
        Self {
            node,
            tokens,
            hosts,
            artifact_limit,
            openapi,
            uploads: Places::new(UPLOADS, "uploads"),
            changes: Places::new(CHANGES, "changes"),
            watchers: Places::new(WATCHERS, "watchers of events"),
            messages: Places::new(MESSAGES, "messages"),
            backups: Places::new(BACKUPS, "backups and restores"),
        }
    }
}

/// How much of a kind there may be at once.
pub(in crate::admin) struct Places {
    free: Arc<Semaphore>,
    what: &'static str,
}

impl Places {
    fn new(count: usize, what: &'static str) -> Self {
        let free = Arc::new(Semaphore::new(count));
        Self { free, what }
    }

    /// # Errors
    /// All are taken.
    pub fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let taken = self.free.clone().try_acquire_owned();
        taken.map_err(|_| Problem::unavailable(format!("too many {} at once", self.what), SOON))
    }
}

/// Carries out a change to its end, also when the client goes away in the middle of it: half
/// of a change is worse than none. The place is given back afterwards.
///
/// # Errors
/// Those of the change.
pub(in crate::admin) async fn carry_out<T, E>(
    place: OwnedSemaphorePermit,
    change: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    let task = tokio::spawn(async move {
        let result = change.await;
        drop(place);
        result
    });
    match task.await {
        Ok(result) => result.map_err(E::into),
        Err(_) => Err(Problem::internal("the change was interrupted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_full_says_when_to_come_back() {
        let places = Places::new(1, "uploads");
        let taken = places.take().unwrap();
        let full = places.take().unwrap_err();
        assert_eq!(full.status().as_u16(), 503);
        assert_eq!(full.document()["detail"], "too many uploads at once");
        drop(taken);
        assert!(places.take().is_ok());
    }

    #[tokio::test]
    async fn a_change_is_carried_out_though_nobody_waits_for_it() {
        let places = Places::new(1, "changes");
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (goes_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let change = carry_out(places.take().unwrap(), async move {
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            done.send(()).unwrap();
            Ok::<_, Problem>(())
        });
        tokio::select! {
            biased;
            _ = change => unreachable!("it waits for us"),
            begun = has_begun => begun.unwrap(),
        }
        assert!(places.take().is_err(), "it is not over");
        goes_on.send(()).unwrap();
        is_done.await.unwrap();
    }
}
