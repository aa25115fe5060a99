//! A guest without code, and a bus that remembers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use wasmtime::component::Resource;

use super::super::{Client, HeldMessage};
use crate::core::{
    BusAnswer, BusFuture, Cohort, Forced, Grants, HostBounds, Inspection, KvStore, Limits, Message,
    MessageBus, MessageHandler, Origin, Outbound, PublishError, Publisher, Receipt, RequestError,
    RequestId, RequestOptions, Spread, StoreName, Stores, SubscribeError, Subscription,
    TopicPattern, Unsubscribe,
};
use crate::runtime::bindings::core::types;
use crate::runtime::guest::Guest;
use crate::runtime::instance::Recipe;
use crate::runtime::lane::{Pace, SlowLane};
use crate::runtime::reach::Reach;
use crate::runtime::{Capabilities, Network, Services};
use crate::security::{AuditQuery, AuditTrail, Forbidden};

/// A bus that has no subscribers: it answers as it is told.
#[derive(Default)]
pub struct TestBus {
    pub sent: Mutex<Vec<(Message, Spread)>>,
    pub asked: Mutex<Vec<(Message, RequestOptions)>>,
    pub refusal: Mutex<Option<PublishError>>,
    /// `None`: it waits for `released`.
    pub answer: Mutex<Option<Result<Vec<Message>, RequestError>>>,
    pub released: Notify,
    /// Requests whose future was dropped before its end.
    pub cancelled: Mutex<u32>,
    pub dropped: Notify,
}

struct Dropped<'a>(&'a TestBus, bool);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.cancelled.lock().unwrap() += 1;
            self.0.dropped.notify_one();
        }
    }
}

impl MessageBus for TestBus {
    fn publish(&self, message: Message, spread: Spread) -> BusFuture<'_, Receipt, PublishError> {
        let refusal = self.refusal.lock().unwrap().clone();
        self.sent.lock().unwrap().push((message, spread));
        Box::pin(async { refusal.map_or(Ok(Receipt { receivers: 3 }), Err) })
    }

    fn request(
        &self,
        message: Message,
        options: RequestOptions,
    ) -> BusFuture<'_, Vec<Message>, RequestError> {
        self.asked.lock().unwrap().push((message, options));
        Box::pin(async move {
            let mut dropped = Dropped(self, false);
            let mut answer = self.answer.lock().unwrap().clone();
            if answer.is_none() {
                self.released.notified().await;
                answer = self.answer.lock().unwrap().clone();
            }
            dropped.1 = true;
            answer.unwrap_or(Err(RequestError::NoReply))
        })
    }

    fn subscribe(
        &self,
        _subscription: Subscription,
        _handler: Arc<dyn MessageHandler>,
    ) -> BusFuture<'_, Unsubscribe, SubscribeError> {
        Box::pin(async { Err(SubscribeError::Draining) })
    }

    fn inspect(&self) -> BusAnswer<'_, Inspection> {
        Box::pin(async { Inspection::default() })
    }

    fn drain(&self) -> BusAnswer<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

pub struct World {
    pub bus: Arc<TestBus>,
    pub services: Arc<Services>,
    pub guest: Guest,
}

pub const ORIGIN: Origin = Origin {
    id: RequestId::NONE,
    cohort: Cohort::NONE,
    forced: Forced::NONE,
    depth: 4,
};

impl World {
    pub fn new(grants: Grants) -> Self {
        let bus = Arc::new(TestBus::default());
        let services = services();
        services.connect(bus.clone(), Arc::new(NoStores));
        Self {
            guest: guest(services.clone(), grants),
            services,
            bus,
        }
    }

    pub fn without_bus(grants: Grants) -> Guest {
        guest(services(), grants)
    }

    pub fn answers(&self, answer: Result<Vec<Message>, RequestError>) {
        *self.bus.answer.lock().unwrap() = Some(answer);
    }

    pub fn refuses(&self, error: PublishError) {
        *self.bus.refusal.lock().unwrap() = Some(error);
    }

    pub fn sent(&self) -> Vec<(Message, Spread)> {
        std::mem::take(&mut self.bus.sent.lock().unwrap())
    }

    pub fn denials(&self) -> Vec<(String, String)> {
        let events = self.services.trail().query(&AuditQuery::default());
        let denials = events.into_iter();
        denials
            .map(|it| (it.capability.unwrap_or_default().into_owned(), it.target))
            .collect()
    }

    pub fn made(&mut self, data: &[u8]) -> Resource<HeldMessage> {
        self.guest.hold(HeldMessage::made(data.to_vec())).unwrap()
    }

    pub fn received(&mut self, message: Message) -> Resource<HeldMessage> {
        let message = HeldMessage::received(Arc::new(message));
        self.guest.hold(message).unwrap()
    }

    pub fn client(&mut self) -> Resource<Client> {
        self.guest.table().push(Client).unwrap()
    }
}

struct NoStores;

impl Stores for NoStores {
    fn store(&self, _name: &StoreName) -> Option<Arc<dyn KvStore>> {
        None
    }

    fn names(&self) -> Vec<StoreName> {
        Vec::new()
    }
}

fn services() -> Arc<Services> {
    Services::new(
        Capabilities::standard(),
        AuditTrail::in_memory(),
        Arc::new(Forbidden::default()),
        Network::new(Outbound::default()).unwrap(),
    )
}

fn guest(services: Arc<Services>, grants: Grants) -> Guest {
    let (component, version) = ("cart".parse().unwrap(), "1.0".parse().unwrap());
    let recipe = Recipe {
        reach: Reach::new(services, Arc::new(grants), &component, &version),
        component,
        version,
        limits: Limits {
            timeout: Duration::from_secs(5),
            outbound_requests: 40,
            ..Limits::default()
        },
        bounds: HostBounds::default(),
        metered: false,
        pace: Pace::default(),
        lane: Arc::new(SlowLane::start(1).unwrap()),
    };
    let mut guest = Guest::new(Arc::new(recipe));
    guest.arm(ORIGIN);
    guest
}

pub fn patterns(texts: &[&str]) -> Vec<TopicPattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Everything may be sent and asked.
pub fn open() -> Grants {
    Grants {
        publish: patterns(&[">"]),
        request: patterns(&[">"]),
        ..Grants::default()
    }
}

pub fn message(topic: &str, body: &'static [u8]) -> Message {
    let topic = crate::core::Topic::internal(topic).unwrap();
    let publisher = Publisher::Client { connection: 1 };
    Message::new(topic, Bytes::from_static(body), publisher, ORIGIN)
}

pub fn record(body: &[u8]) -> types::Message {
    types::Message {
        content_type: None,
        metadata: Vec::new(),
        body: body.to_vec(),
    }
}
