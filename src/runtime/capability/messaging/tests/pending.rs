//! Requests that a guest does not wait for.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::io::poll::{Host as _, HostPollable as _};

use super::super::PendingReply;
use super::support::{World, message, open, record};
use crate::runtime::bindings::core::errors::MessagingError;
use crate::runtime::bindings::core::host_messaging::{Host, HostPendingReply};
use crate::runtime::bindings::core::types::Message;

async fn start(world: &mut World) -> Result<Resource<PendingReply>, MessagingError> {
    Host::start_request(&mut world.guest, "a".into(), record(b"?"), 1_000)
        .await
        .unwrap()
}

fn borrow(pending: &Resource<PendingReply>) -> Resource<PendingReply> {
    Resource::new_borrow(pending.rep())
}

async fn get(
    world: &mut World,
    pending: &Resource<PendingReply>,
) -> Option<Result<Message, MessagingError>> {
    HostPendingReply::get(&mut world.guest, borrow(pending))
        .await
        .unwrap()
}

async fn wait(world: &mut World, pending: &Resource<PendingReply>) {
    let ready = HostPendingReply::subscribe(&mut world.guest, borrow(pending));
    let ready = ready.await.unwrap();
    let table = world.guest.table();
    table
        .block(Resource::new_borrow(ready.rep()))
        .await
        .unwrap();
    let borrowed = Resource::new_borrow(ready.rep());
    assert_eq!(table.poll(vec![borrowed]).await.unwrap(), [0]);
    table.drop(ready).unwrap();
}

#[tokio::test]
async fn the_result_is_there_once() {
    let mut world = World::new(open());
    let pending = start(&mut world).await.unwrap();
    assert!(get(&mut world, &pending).await.is_none());
    world.answers(Ok(vec![message("_INBOX.1", b"!")]));
    world.bus.released.notify_one();
    wait(&mut world, &pending).await;
    let reply = get(&mut world, &pending).await.unwrap().unwrap();
    assert_eq!(reply.body, b"!");
    assert!(get(&mut world, &pending).await.is_none());
    // What has been answered is ready, and stays so.
    wait(&mut world, &pending).await;
}

#[tokio::test]
async fn what_is_cancelled_says_so_and_stops() {
    let mut world = World::new(open());
    let pending = start(&mut world).await.unwrap();
    tokio::task::yield_now().await;
    let cancelled = HostPendingReply::cancel(&mut world.guest, borrow(&pending));
    cancelled.await.unwrap();
    wait(&mut world, &pending).await;
    assert!(matches!(
        get(&mut world, &pending).await,
        Some(Err(MessagingError::Cancelled))
    ));
    world.bus.dropped.notified().await;
}

#[tokio::test]
async fn a_result_that_was_there_is_not_cancelled() {
    let mut world = World::new(open());
    world.answers(Ok(vec![message("_INBOX.1", b"!")]));
    let pending = start(&mut world).await.unwrap();
    wait(&mut world, &pending).await;
    let cancelled = HostPendingReply::cancel(&mut world.guest, borrow(&pending));
    cancelled.await.unwrap();
    assert!(matches!(get(&mut world, &pending).await, Some(Ok(_))));
}

#[tokio::test]
async fn dropping_cancels_also_under_a_pollable() {
    let mut world = World::new(open());
    let pending = start(&mut world).await.unwrap();
    tokio::task::yield_now().await;
    let ready = HostPendingReply::subscribe(&mut world.guest, borrow(&pending));
    let ready = ready.await.unwrap();
    HostPendingReply::drop(&mut world.guest, pending)
        .await
        .unwrap();
    world.bus.dropped.notified().await;
    world.guest.table().block(ready).await.unwrap();
}

#[tokio::test]
async fn no_request_outlives_its_call() {
    let mut world = World::new(open());
    let pending = start(&mut world).await.unwrap();
    tokio::task::yield_now().await;
    world.guest.end_mail();
    world.bus.dropped.notified().await;
    assert!(get(&mut world, &pending).await.is_none());
    assert!(
        HostPendingReply::drop(&mut world.guest, pending)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn at_most_32_are_under_way() {
    let mut world = World::new(open());
    let mut pending = Vec::new();
    for _ in 0..32 {
        pending.push(start(&mut world).await.unwrap());
    }
    let refused = start(&mut world).await;
    assert!(matches!(refused, Err(MessagingError::TooManyPending)));
    let first = pending.remove(0);
    HostPendingReply::cancel(&mut world.guest, borrow(&first))
        .await
        .unwrap();
    assert!(get(&mut world, &first).await.is_some());
    assert!(start(&mut world).await.is_ok());
    assert!(start(&mut world).await.is_err());
    world.guest.end_mail();
    assert!(start(&mut world).await.is_ok());
}
