//! Every failure has its word in every interface, and none says too much.

use std::time::{Duration, Instant};

use super::super::failure::Failure;
use super::super::outbox::{self, Patience};
use super::support::{World, message, open, record};
use crate::core::{ByteSize, Fault, HandleError, MessageError, PublishError, RequestError};
use crate::runtime::bindings::core::errors::MessagingError;
use crate::runtime::bindings::core::host_messaging;
use crate::runtime::bindings::messaging::request_reply;
use crate::runtime::bindings::messaging::types::Error;
use crate::runtime::bindings::wasmcloud::consumer;
use crate::runtime::call::CallEnd;

fn failures() -> Vec<RequestError> {
    let size = ByteSize(2);
    let too_large = MessageError::Body {
        size,
        limit: ByteSize(1),
    };
    vec![
        PublishError::TooLarge(too_large).into(),
        PublishError::QueueFull("secret.*".parse().unwrap()).into(),
        PublishError::TooDeep.into(),
        PublishError::Draining.into(),
        PublishError::Unreachable("nats://secret:4222".into()).into(),
        RequestError::NoReceiver,
        RequestError::TimedOut,
        RequestError::NoReply,
        RequestError::Failed(HandleError::Refused("sold out".into())),
        RequestError::Failed(HandleError::Fault(Fault::Trap)),
        RequestError::Failed(HandleError::Hopeless("/secret/path".into())),
    ]
}

#[tokio::test]
async fn every_failure_has_its_word_in_every_interface() {
    let mut wasi = Vec::new();
    let mut airssys = Vec::new();
    for failure in failures() {
        let mut world = World::new(open());
        world.answers(Err(failure));
        let (client, data) = (world.client(), world.made(b""));
        let asked = request_reply::Host::request(&mut world.guest, client, "a".into(), data, None);
        wasi.push(match asked.await.unwrap().unwrap_err() {
            Error::Timeout => "timeout".to_owned(),
            Error::Connection(text) => format!("connection {text}"),
            Error::PermissionDenied(text) => format!("denied {text}"),
            Error::Other(text) => format!("other {text}"),
        });
        let asked = host_messaging::Host::request(&mut world.guest, "a".into(), record(b""), 9);
        airssys.push(format!("{:?}", asked.await.unwrap().err().unwrap()));
        let asked = consumer::Host::request(&mut world.guest, "a".into(), Vec::new(), 9);
        let text = asked.await.unwrap().unwrap_err();
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(
        wasi,
        [
            "other the message is too large: its body has 2, at most 1 are taken",
            "connection the queue of a receiver is full",
            "other messages cause each other 16 deep, or too many of them: a loop",
            "connection the node drains",
            "connection the bus cannot be reached",
            "connection nobody listens to the topic",
            "timeout",
            "other who got it returned without a reply",
            "other who got it failed: sold out",
            "other who got it failed: trap",
            "other who got it failed: it cannot be handled",
        ]
    );
    assert_eq!(
        airssys,
        [
            "MessagingError::TooLarge(1)",
            "MessagingError::QueueFull",
            "MessagingError::LoopDetected",
            "MessagingError::Unavailable(\"the node drains\")",
            "MessagingError::Unavailable(\"the bus cannot be reached\")",
            "MessagingError::NoReceiver",
            "MessagingError::TimedOut",
            "MessagingError::ReceiverFailed(\"who got it returned without a reply\")",
            "MessagingError::ReceiverFailed(\"sold out\")",
            "MessagingError::ReceiverFailed(\"trap\")",
            "MessagingError::ReceiverFailed(\"it cannot be handled\")",
        ]
    );
}

#[tokio::test]
async fn a_full_queue_tells_the_sender_at_once() {
    let mut world = World::new(open());
    world.refuses(PublishError::QueueFull(">".parse().unwrap()));
    let sent = host_messaging::Host::send(&mut world.guest, "a".into(), record(b""));
    assert!(matches!(
        sent.await.unwrap(),
        Err(MessagingError::QueueFull)
    ));
}

#[tokio::test]
async fn without_a_bus_guests_are_told_so() {
    let mut guest = World::without_bus(open());
    let sent = outbox::publish(&mut guest, "a", Ok(Default::default()), Default::default());
    let failure = sent.await.unwrap_err();
    assert_eq!(failure, Failure::NoBus);
    assert!(matches!(failure.clone().into(), Error::Connection(_)));
    assert!(matches!(failure.into(), MessagingError::Unavailable(_)));
}

#[tokio::test]
async fn nobody_waits_longer_than_their_own_caller() {
    let asked = |milliseconds| Patience {
        timeout: Some(Duration::from_millis(milliseconds)),
        replies: 1,
    };
    for (patience, expected) in [
        (Patience::default(), 4_900),
        (asked(60_000), 4_900),
        (asked(200), 200),
        (asked(0), 0),
    ] {
        let mut world = World::new(open());
        world.answers(Ok(vec![message("_INBOX.1", b"")]));
        let before = Instant::now();
        let letter = Ok(Default::default());
        let request = outbox::request(&mut world.guest, "a", letter, patience).unwrap();
        request.await.unwrap();
        let (_, options) = world.bus.asked.lock().unwrap().remove(0);
        let expected = Duration::from_millis(expected);
        assert!(options.deadline >= before + expected);
        assert!(options.deadline <= Instant::now() + expected);
        assert_eq!(options.replies, 1);
    }
}

#[tokio::test]
async fn who_has_little_time_left_waits_for_less() {
    let mut world = World::new(open());
    world.answers(Ok(vec![message("_INBOX.1", b"")]));
    let before = Instant::now();
    world.guest.outgoing.end = CallEnd::at(before + Duration::from_secs(1));
    let letter = Ok(Default::default());
    let request = outbox::request(&mut world.guest, "a", letter, Patience::default()).unwrap();
    request.await.unwrap();
    let (_, options) = world.bus.asked.lock().unwrap().remove(0);
    let (least, most) = (Duration::from_millis(890), Duration::from_millis(990));
    assert!(options.deadline >= before + least);
    assert!(options.deadline <= before + most);
}

#[tokio::test]
async fn replies_are_as_many_as_may_be_expected() {
    for (asked, expected) in [(0, 1), (7, 7), (u32::MAX, 100)] {
        let mut world = World::new(open());
        world.answers(Ok(vec![
            message("_INBOX.1", b"a"),
            message("_INBOX.1", b"b"),
        ]));
        let options = request_reply::HostRequestOptions::new(&mut world.guest);
        let options = options.await.unwrap();
        let borrowed = || wasmtime::component::Resource::new_borrow(options.rep());
        let set = request_reply::HostRequestOptions::set_expected_replies(
            &mut world.guest,
            borrowed(),
            asked,
        );
        set.await.unwrap();
        let (client, data) = (world.client(), world.made(b""));
        let (topic, options) = ("a".to_owned(), Some(options));
        let replies =
            request_reply::Host::request(&mut world.guest, client, topic, data, options).await;
        assert_eq!(replies.unwrap().unwrap().len(), 2);
        assert_eq!(world.bus.asked.lock().unwrap()[0].1.replies, expected);
    }
}
