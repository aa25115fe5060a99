//! Who may send what, and what it looks like when it is on its way.

use wasmtime::component::Resource;

use super::support::{ORIGIN, World, message, open, patterns, record};
use crate::core::{
    ComponentInfo, ComponentName, GrantMode, Grants, PublishError, Publisher, RunState, Spread,
};
use crate::runtime::Overview;
use crate::runtime::bindings::core::errors::MessagingError;
use crate::runtime::bindings::core::{host_messaging, host_services};
use crate::runtime::bindings::messaging::types::{Error, HostClient};
use crate::runtime::bindings::messaging::{producer, request_reply};
use crate::runtime::bindings::wasmcloud::consumer;
use crate::runtime::bindings::wasmcloud::types::BrokerMessage;

fn publishes(topics: &[&str], mode: GrantMode) -> Grants {
    Grants {
        publish: patterns(topics),
        mode,
        ..Grants::default()
    }
}

async fn send(world: &mut World, topic: &str) -> Result<(), Error> {
    let (client, data) = (world.client(), world.made(b"data"));
    producer::Host::send(&mut world.guest, client, topic.into(), data)
        .await
        .unwrap()
}

async fn publish(world: &mut World, subject: &str, reply_to: Option<&str>) -> Result<(), String> {
    let message = BrokerMessage {
        subject: subject.into(),
        body: b"data".to_vec(),
        reply_to: reply_to.map(str::to_owned),
    };
    consumer::Host::publish(&mut world.guest, message)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_reported() {
    let mut world = World::new(publishes(&["orders.*"], GrantMode::Enforce));
    send(&mut world, "orders.created").await.unwrap();
    let denied = send(&mut world, "stock.reserved").await.unwrap_err();
    assert!(matches!(denied, Error::PermissionDenied(_)), "{denied:?}");
    assert!(publish(&mut world, "stock.reserved", None).await.is_err());
    let request = host_messaging::Host::request(
        &mut world.guest,
        "orders.created".into(),
        record(b""),
        1_000,
    );
    assert!(matches!(
        request.await.unwrap(),
        Err(MessagingError::Denied)
    ));
    assert_eq!(world.sent().len(), 1);
    let denial = |capability: &str, topic: &str| (capability.to_owned(), topic.to_owned());
    let mut denials = world.denials();
    denials.sort();
    assert_eq!(
        denials,
        [
            denial("publish", "stock.reserved"),
            denial("publish", "stock.reserved"),
            denial("request", "orders.created"),
        ]
    );
}

#[tokio::test]
async fn audit_mode_reports_and_sends() {
    let mut world = World::new(publishes(&[], GrantMode::Audit));
    send(&mut world, "stock.reserved").await.unwrap();
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.denials().len(), 1);
}

#[tokio::test]
async fn what_is_no_topic_is_no_denial() {
    let mut world = World::new(publishes(&[], GrantMode::Enforce));
    for topic in [
        "",
        "a..b",
        "a.*",
        ">",
        "a b",
        "_SYS.x",
        "_INBOX",
        "_INBOX.a.*",
    ] {
        let error = send(&mut world, topic).await.unwrap_err();
        assert!(matches!(error, Error::Other(_)), "{topic}: {error:?}");
        assert!(publish(&mut world, topic, None).await.is_err(), "{topic}");
        let sent = host_messaging::Host::broadcast(&mut world.guest, topic.into(), record(b""));
        assert!(
            matches!(sent.await.unwrap(), Err(MessagingError::InvalidTopic(_))),
            "{topic}"
        );
    }
    assert_eq!((world.sent().len(), world.denials().len()), (0, 0));
}

#[tokio::test]
async fn a_request_to_the_address_of_a_reply_is_invalid() {
    let mut world = World::new(open());
    let topic = "_INBOX.0123".to_owned();
    let asked = host_messaging::Host::request(&mut world.guest, topic, record(b""), 1_000);
    assert!(matches!(
        asked.await.unwrap(),
        Err(MessagingError::InvalidTopic(_))
    ));
}

#[tokio::test]
async fn a_message_says_who_sent_it_and_why() {
    let mut world = World::new(open());
    let mut data = record(b"data");
    data.content_type = Some("text/plain".into());
    data.metadata = vec![("a".into(), "1".into()), ("a".into(), "2".into())];
    let sent = host_messaging::Host::broadcast(&mut world.guest, "orders.created".into(), data);
    assert_eq!(sent.await.unwrap().unwrap(), 3);
    let (message, spread) = world.sent().remove(0);
    assert_eq!(spread, Spread::Everyone);
    assert_eq!(message.topic.as_str(), "orders.created");
    assert_eq!(message.content_type.as_deref(), Some("text/plain"));
    assert_eq!(message.metadata, [("a".to_owned(), "2".to_owned())]);
    assert_eq!(message.origin, ORIGIN.deeper());
    let own = host_messaging::Host::self_id(&mut world.guest)
        .await
        .unwrap();
    let publisher = Publisher::Component {
        name: own.component.parse().unwrap(),
        instance: own.instance,
    };
    assert_eq!(message.publisher, publisher);
    assert_eq!((&*own.component, &*own.version), ("cart", "1.0"));
}

#[tokio::test]
async fn a_reply_needs_no_grant() {
    let mut world = World::new(Grants::default());
    let mut question = message("stock.reserve", b"?");
    question.reply_to = Some(crate::core::Topic::internal("_INBOX.0123").unwrap());
    let (question, answer) = (world.received(question), world.made(b"!"));
    let question = Resource::new_borrow(question.rep());
    let replied = request_reply::Host::reply(&mut world.guest, question, answer).await;
    replied.unwrap().unwrap();
    publish(&mut world, "_INBOX.0123", None).await.unwrap();
    let topics: Vec<_> = world
        .sent()
        .iter()
        .map(|(message, _)| message.topic.to_string())
        .collect();
    assert_eq!(topics, ["_INBOX.0123", "_INBOX.0123"]);
    assert!(world.denials().is_empty());
}

#[tokio::test]
async fn a_reply_that_nobody_waits_for_has_no_effect() {
    let mut world = World::new(Grants::default());
    world.refuses(PublishError::NoRequester);
    publish(&mut world, "_INBOX.0123", None).await.unwrap();
    let (question, answer) = (world.received(message("a", b"?")), world.made(b"!"));
    let replied = request_reply::Host::reply(&mut world.guest, question, answer).await;
    replied.unwrap().unwrap();
    assert_eq!(world.sent().len(), 1, "the second was not to be answered");
}

#[tokio::test]
async fn only_an_address_that_was_received_can_be_passed_on() {
    let mut world = World::new(open());
    publish(&mut world, "a", Some("_INBOX.0123")).await.unwrap();
    let passed_on = world.sent().remove(0).0.reply_to.unwrap();
    assert_eq!(passed_on.as_str(), "_INBOX.0123");
    // Whoever replies would send there with the grants of nobody.
    assert!(
        publish(&mut world, "a", Some("payments.made"))
            .await
            .is_err()
    );
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn there_is_one_bus() {
    let mut world = World::new(open());
    for (name, known) in [("", true), ("default", true), ("other", false)] {
        let client = world.guest.connect(name.into()).await.unwrap();
        assert_eq!(client.is_ok(), known, "{name}");
    }
}

struct Everybody;

impl Overview for Everybody {
    fn component(&self, name: &ComponentName) -> Option<ComponentInfo> {
        (name.as_str() != "gone").then(|| ComponentInfo {
            name: name.clone(),
            version: "1".parse().unwrap(),
            state: RunState::Running,
            health: None,
            metadata: None,
        })
    }
}

#[tokio::test]
async fn a_component_sees_itself_and_what_it_is_granted() {
    let name = |text: &str| text.parse::<ComponentName>().unwrap();
    let mut world = World::new(Grants {
        components: vec![name("stock"), name("gone"), name("cart")],
        ..Grants::default()
    });
    let everybody: std::sync::Arc<dyn Overview> = std::sync::Arc::new(Everybody);
    world.services.show(std::sync::Arc::downgrade(&everybody));
    let all = host_services::Host::list_components(&mut world.guest);
    let names: Vec<_> = all.await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["cart", "stock"]);
    for (name, seen) in [("stock", true), ("payments", false), ("no name", false)] {
        let info = host_services::Host::component(&mut world.guest, name.into());
        assert_eq!(info.await.unwrap().is_some(), seen, "{name}");
    }
    let denial = ("components".to_owned(), "payments".to_owned());
    assert_eq!(world.denials(), [denial]);
}
