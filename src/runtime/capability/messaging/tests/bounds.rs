//! What a guest holds and sends is bounded, and does not outlive its call.

use wasmtime::component::Resource;

use super::super::HeldMessage;
use super::super::failure::Failure;
use super::super::outbox;
use super::support::{ORIGIN, World, message, open};
use crate::runtime::bindings::messaging::request_reply;
use crate::runtime::bindings::messaging::types::{Error, HostMessage};

fn borrow(message: &Resource<HeldMessage>) -> Resource<HeldMessage> {
    Resource::new_borrow(message.rep())
}

async fn send(world: &mut World) -> Result<u32, Failure> {
    let letter = Ok(Default::default());
    outbox::publish(&mut world.guest, "a", letter, Default::default()).await
}

#[tokio::test]
async fn a_request_sends_at_most_10_000_messages() {
    let mut world = World::new(open());
    for _ in 0..10_000 {
        send(&mut world).await.unwrap();
    }
    assert_eq!(send(&mut world).await, Err(Failure::Exhausted));
    world.guest.arm(ORIGIN);
    assert!(send(&mut world).await.is_ok());
}

#[tokio::test]
async fn requests_count_together_with_those_over_http() {
    let mut world = World::new(open());
    world.answers(Ok(vec![message("_INBOX.1", b"")]));
    for _ in 0..39 {
        world.guest.outgoing.count_request().unwrap();
    }
    for expected in [true, false] {
        let request = outbox::request(
            &mut world.guest,
            "a",
            Ok(Default::default()),
            Default::default(),
        );
        assert_eq!(request.is_ok(), expected);
    }
    assert!(send(&mut world).await.is_ok(), "messages are no requests");
}

#[tokio::test]
async fn a_message_is_what_its_guest_has_made_of_it() {
    let mut world = World::new(open());
    let made = world.made(b"one");
    let guest = &mut world.guest;
    assert_eq!(guest.topic(borrow(&made)).await.unwrap(), None);
    assert!(
        HostMessage::metadata(guest, borrow(&made))
            .await
            .unwrap()
            .is_none()
    );
    guest
        .set_data(borrow(&made), b"two".to_vec())
        .await
        .unwrap();
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        let added = guest.add_metadata(borrow(&made), key.into(), value.into());
        added.await.unwrap();
    }
    guest
        .remove_metadata(borrow(&made), "b".into())
        .await
        .unwrap();
    let data = HostMessage::data(guest, borrow(&made)).await.unwrap();
    let metadata = HostMessage::metadata(guest, borrow(&made)).await.unwrap();
    assert_eq!(data, b"two");
    assert_eq!(metadata.unwrap(), [("a".to_owned(), "3".to_owned())]);
    let received = world.received(message("orders.created", b""));
    let topic = world.guest.topic(borrow(&received)).await.unwrap();
    assert_eq!(topic.unwrap(), "orders.created");
}

#[tokio::test]
async fn metadata_does_not_grow_without_end() {
    let mut world = World::new(open());
    let made = world.made(b"");
    for number in 0..1_000 {
        let added = world
            .guest
            .add_metadata(borrow(&made), number.to_string(), "x".repeat(1_000));
        added.await.unwrap();
    }
    assert!(world.guest.mail.bytes() <= 16 << 10);
    let client = world.client();
    let asked =
        request_reply::Host::request(&mut world.guest, client, "a".into(), borrow(&made), None);
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Other(_)), "it does not fit");
    let many = vec![(String::new(), String::new()); 100_000];
    world.guest.set_metadata(borrow(&made), many).await.unwrap();
    assert_eq!(world.guest.mail.bytes(), 0);
    let long = "x".repeat(1 << 20);
    world
        .guest
        .set_content_type(borrow(&made), long)
        .await
        .unwrap();
    assert_eq!(world.guest.mail.bytes(), 0);
}

#[tokio::test]
async fn an_instance_holds_at_most_32_mib_of_messages() {
    let mut world = World::new(open());
    let data = vec![0; 8 << 20];
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(
            HostMessage::new(&mut world.guest, data.clone())
                .await
                .unwrap(),
        );
    }
    assert!(HostMessage::new(&mut world.guest, vec![0]).await.is_err());
    assert!(
        world
            .guest
            .set_data(borrow(&held[0]), vec![0])
            .await
            .is_ok()
    );
    assert!(HostMessage::new(&mut world.guest, vec![0]).await.is_ok());
    let last = held.pop().unwrap();
    HostMessage::drop(&mut world.guest, last).await.unwrap();
    assert!(HostMessage::new(&mut world.guest, data).await.is_ok());
}

#[tokio::test]
async fn replies_that_are_too_much_to_hold_are_an_error() {
    let mut world = World::new(open());
    let large: &'static [u8] = &[0; 1 << 20];
    world.answers(Ok(vec![message("_INBOX.1", large); 40]));
    let (client, made) = (world.client(), world.made(b""));
    let asked = request_reply::Host::request(&mut world.guest, client, "a".into(), made, None);
    assert!(matches!(asked.await.unwrap(), Err(Error::Other(_))));
    assert_eq!(world.guest.mail.bytes(), 0);
}

#[tokio::test]
async fn nothing_is_held_beyond_the_call() {
    let mut world = World::new(open());
    let held = world.received(message("orders.created", b"data"));
    world.guest.end_mail();
    assert_eq!(world.guest.mail.bytes(), 0);
    // Another call: what it holds is its own.
    let fresh = world.made(b"fresh");
    assert!(
        HostMessage::data(&mut world.guest, borrow(&held))
            .await
            .is_err()
    );
    assert!(HostMessage::drop(&mut world.guest, held).await.is_ok());
    let data = HostMessage::data(&mut world.guest, borrow(&fresh)).await;
    assert_eq!(data.unwrap(), b"fresh");
}

#[tokio::test]
async fn an_instance_that_drops_nothing_is_not_used_for_ever() {
    let mut world = World::new(open());
    let mut calls = 0;
    while !world.guest.leaves_much_behind() {
        world.received(message("orders.created", b"data"));
        world.guest.end_mail();
        calls += 1;
    }
    assert_eq!(calls, 251);
    assert_eq!(world.guest.mail.bytes(), 0);
}
