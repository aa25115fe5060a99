//! What a guest can mend, it is told in a case of its own; nothing of it looks as if trying again
//! would help.

use super::super::HeldMessage;
use super::support::{ORIGIN, World, open, record};
use crate::core::{ByteSize, MessageError, PublishError};
use crate::runtime::bindings::core::errors::MessagingError;
use crate::runtime::bindings::core::host_messaging;
use crate::runtime::bindings::messaging::producer;
use crate::runtime::bindings::messaging::types::Error;
use crate::runtime::bindings::wasmcloud::consumer;
use crate::runtime::bindings::wasmcloud::types::BrokerMessage;

type Metadata = Vec<(String, String)>;

async fn send(world: &mut World, metadata: Metadata) -> Result<(), MessagingError> {
    let mut message = record(b"");
    message.metadata = metadata;
    let sent = host_messaging::Host::send(&mut world.guest, "a".into(), message);
    sent.await.unwrap()
}

/// By wasi:messaging, which has one case for all of it.
async fn send_by_wasi(world: &mut World, metadata: Metadata) -> String {
    let mut message = HeldMessage::made(Vec::new());
    message.set_metadata(metadata);
    let (client, message) = (world.client(), world.guest.hold(message).unwrap());
    let sent = producer::Host::send(&mut world.guest, client, "a".into(), message);
    match sent.await.unwrap() {
        Err(Error::Other(text)) => text,
        sent => panic!("{sent:?}"),
    }
}

async fn publish(world: &mut World, reply_to: Option<&str>) -> Result<(), String> {
    let message = BrokerMessage {
        subject: "a".into(),
        body: Vec::new(),
        reply_to: reply_to.map(str::to_owned),
    };
    let sent = consumer::Host::publish(&mut world.guest, message);
    sent.await.unwrap()
}

fn entries(count: usize, bytes: usize) -> Metadata {
    let entry = |number: usize| (number.to_string(), "x".repeat(bytes));
    (0..count).map(entry).collect()
}

#[tokio::test]
async fn metadata_that_cannot_be_sent_are_an_invalid_message() {
    let without_key = vec![(String::new(), "value".to_owned())];
    for (metadata, why) in [
        (without_key, "empty"),
        (entries(65, 1), "64 entries"),
        (entries(2, 16 << 10), "16KiB"),
    ] {
        let mut world = World::new(open());
        match send(&mut world, metadata.clone()).await {
            Err(MessagingError::InvalidMessage(text)) => assert!(text.contains(why), "{text}"),
            sent => panic!("{why}: {sent:?}"),
        }
        let text = send_by_wasi(&mut world, metadata).await;
        assert!(text.contains(why), "{text}");
        assert!(world.sent().is_empty());
    }
}

#[tokio::test]
async fn an_address_that_was_not_received_is_told_as_such() {
    let mut world = World::new(open());
    let error = publish(&mut world, Some("orders")).await.unwrap_err();
    assert!(error.contains("address of a reply"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_how_large_it_may_be() {
    let mut world = World::new(open());
    let (size, limit) = (ByteSize(9), ByteSize(7));
    let too_large = MessageError::Body { size, limit };
    world.refuses(PublishError::TooLarge(too_large));
    let refused = send(&mut world, Vec::new()).await;
    assert!(matches!(refused, Err(MessagingError::TooLarge(7))));
}

#[tokio::test]
async fn who_has_sent_all_that_a_call_may_is_exhausted_until_the_next() {
    let mut world = World::new(open());
    while world.guest.outgoing.count_message().is_some() {}
    while world.guest.outgoing.count_request().is_some() {}
    let sent = send(&mut world, Vec::new()).await;
    assert!(matches!(sent, Err(MessagingError::Exhausted)), "{sent:?}");
    let asked = host_messaging::Host::request(&mut world.guest, "a".into(), record(b""), 9);
    let asked = asked.await.unwrap();
    assert!(matches!(asked, Err(MessagingError::Exhausted)), "{asked:?}");
    let text = send_by_wasi(&mut world, Vec::new()).await;
    assert!(text.contains("too many messages"), "{text}");
    let text = publish(&mut world, None).await.unwrap_err();
    assert!(text.contains("too many messages"), "{text}");
    world.guest.arm(ORIGIN);
    assert!(send(&mut world, Vec::new()).await.is_ok());
}
