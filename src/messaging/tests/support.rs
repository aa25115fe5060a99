//! A bus, handlers for it, and a way to wait for what they do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::core::{
    BusAnswer, BusObserver, BusSpec, DeadLetter, DeadLetters as _, Delivery, HandleError,
    HandlerFuture, Inspection, Message, MessageBus as _, MessageHandler, MessageOutcome, Origin,
    PublishError, Publisher, QueueState, Receipt, RequestError, RequestOptions, Spread,
    Subscription, SubscriptionObserver, SubscriptionSpec, Topic, Unsubscribe,
};
use crate::messaging::LocalBus;

/// A bus whose handlers run beside the test.
pub fn bus() -> Arc<LocalBus> {
    counted_bus().0
}

/// The bus, and what its observer counted.
pub fn counted_bus() -> (Arc<LocalBus>, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let observer = Arc::new(Observer(counted.clone()));
    let bus = LocalBus::new(BusSpec::default(), Handle::current(), observer);
    (bus, counted)
}

#[derive(Default)]
pub struct Counted {
    outcomes: [AtomicU64; MessageOutcome::ALL.len()],
    pub latencies: AtomicU64,
}

impl Counted {
    pub fn of(&self, outcome: MessageOutcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::SeqCst)
    }
}

struct Observer(Arc<Counted>);

impl BusObserver for Observer {
    fn subscription(&self, _: &Subscription) -> Arc<dyn SubscriptionObserver> {
        Arc::new(Self(self.0.clone()))
    }
}

impl SubscriptionObserver for Observer {
    fn count(&self, outcome: MessageOutcome) {
        self.0.outcomes[outcome as usize].fetch_add(1, Ordering::SeqCst);
    }

    fn handled_after(&self, _: Duration) {
        self.0.latencies.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

pub fn message(topic: &str, body: &str) -> Message {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Message::new(
        topic.parse().unwrap(),
        body,
        Publisher::Gateway,
        Origin::NONE,
    )
}

pub fn from(connection: u64, message: Message) -> Message {
    let publisher = Publisher::Client { connection };
    Message {
        publisher,
        ..message
    }
}

pub fn deep(depth: u8, message: Message) -> Message {
    let origin = Origin {
        depth,
        ..Origin::NONE
    };
    Message { origin, ..message }
}

pub async fn publish(bus: &LocalBus, topic: &str, body: &str) -> Result<Receipt, PublishError> {
    bus.publish(message(topic, body), Spread::Shared).await
}

/// Asks for one reply, within ten seconds.
pub async fn ask(bus: &LocalBus, message: Message) -> Result<Vec<String>, RequestError> {
    ask_for(1, bus, message).await
}

pub async fn ask_for(
    replies: u32,
    bus: &LocalBus,
    message: Message,
) -> Result<Vec<String>, RequestError> {
    let deadline = (Instant::now() + Duration::from_secs(10)).into_std();
    let options = RequestOptions { deadline, replies };
    let replies = bus.request(message, options).await?;
    Ok(replies.iter().map(body).collect())
}

pub fn body(message: &Message) -> String {
    String::from_utf8(message.body.to_vec()).unwrap()
}

pub fn spec(pattern: &str) -> SubscriptionSpec {
    SubscriptionSpec::to(pattern.parse().unwrap())
}

pub fn in_group(pattern: &str, group: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        group: Some(group.parse().unwrap()),
        ..spec(pattern)
    }
}

pub fn subscribe(
    bus: &LocalBus,
    spec: SubscriptionSpec,
    handler: Arc<dyn MessageHandler>,
) -> Unsubscribe {
    let subscriber = "test".into();
    at_once(bus.subscribe(Subscription { subscriber, spec }, handler)).unwrap()
}

/// The bus of one process asks nobody, so that it answers at once.
pub fn at_once<T>(answer: BusAnswer<'_, T>) -> T {
    answer.now_or_never().expect("an answer at once")
}

pub fn inspect(bus: &LocalBus) -> Inspection {
    at_once(bus.inspect())
}

pub fn dead_letters(bus: &LocalBus, limit: usize) -> Vec<DeadLetter> {
    at_once(bus.dead_letters(limit))
}

/// A handler that is a function.
pub struct By<F>(F);

impl<F, Done> MessageHandler for By<F>
where
    F: Fn(Delivery) -> Done + Send + Sync + 'static,
    Done: Future<Output = Result<(), HandleError>> + Send + 'static,
{
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        Box::pin(self.0(delivery))
    }
}

pub fn by<F, Done>(handle: F) -> Arc<dyn MessageHandler>
where
    F: Fn(Delivery) -> Done + Send + Sync + 'static,
    Done: Future<Output = Result<(), HandleError>> + Send + 'static,
{
    Arc::new(By(handle))
}

/// Never returns.
pub fn sleeper() -> Arc<dyn MessageHandler> {
    by(|_| std::future::pending())
}

/// Replies with the body it got.
pub fn echo(bus: &Arc<LocalBus>) -> Arc<dyn MessageHandler> {
    let bus = Arc::downgrade(bus);
    by(move |delivery| {
        let bus = bus.upgrade().unwrap();
        async move {
            reply(&bus, &delivery, &body(&delivery.message))
                .await
                .unwrap();
            Ok(())
        }
    })
}

pub async fn reply(
    bus: &LocalBus,
    delivery: &Delivery,
    body: &str,
) -> Result<Receipt, PublishError> {
    let reply = Message {
        topic: delivery.message.reply_to.clone().unwrap(),
        ..message("any", body)
    };
    bus.publish(reply, Spread::Shared).await
}

/// Takes nothing until it is opened, and remembers what it got then, and when.
pub struct Door {
    closed: Mutex<Option<HandleError>>,
    tries: AtomicU64,
    taken: Mutex<Vec<(String, Instant)>>,
}

impl Door {
    pub fn closed(why: HandleError) -> Arc<Self> {
        Arc::new(Self {
            closed: Mutex::new(Some(why)),
            tries: AtomicU64::new(0),
            taken: Mutex::default(),
        })
    }

    pub fn open(&self) {
        *self.closed.lock().unwrap() = None;
    }

    /// How often it was closed for a message.
    pub fn tries(&self) -> u64 {
        self.tries.load(Ordering::SeqCst)
    }

    pub fn taken(&self) -> Vec<(String, Instant)> {
        self.taken.lock().unwrap().clone()
    }

    pub fn handler(self: &Arc<Self>) -> Arc<dyn MessageHandler> {
        let door = self.clone();
        by(move |delivery| std::future::ready(door.meet(&delivery)))
    }

    fn meet(&self, delivery: &Delivery) -> Result<(), HandleError> {
        if let Some(why) = &*self.closed.lock().unwrap() {
            self.tries.fetch_add(1, Ordering::SeqCst);
            return Err(why.clone());
        }
        let text = body(&delivery.message);
        self.taken.lock().unwrap().push((text, Instant::now()));
        Ok(())
    }
}

/// Remembers what it got, and goes on when the gate lets it.
pub struct Recorder {
    seen: Mutex<Vec<String>>,
    gate: Semaphore,
}

impl Recorder {
    /// One that lets everything pass.
    pub fn open() -> Arc<Self> {
        Self::closed_after(Semaphore::MAX_PERMITS)
    }

    /// One that stops with so many behind it.
    pub fn closed_after(passes: usize) -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            gate: Semaphore::new(passes),
        })
    }

    pub fn pass(&self, passes: usize) {
        self.gate.add_permits(passes);
    }

    /// Bodies, in the order in which their handlers began.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub fn handler(self: &Arc<Self>) -> Arc<dyn MessageHandler> {
        let recorder = self.clone();
        by(move |delivery| {
            let recorder = recorder.clone();
            async move {
                recorder.seen.lock().unwrap().push(body(&delivery.message));
                recorder.gate.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    }
}

/// Waits for what must come.
pub async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came to that");
}

/// The first subscription's.
pub fn queue(bus: &LocalBus) -> QueueState {
    inspect(bus).subscriptions[0].queue
}

pub async fn idle(bus: &LocalBus) {
    let is_idle = |queue: &QueueState| queue.waiting == 0 && queue.in_flight == 0;
    until(|| {
        inspect(bus)
            .subscriptions
            .iter()
            .all(|it| is_idle(&it.queue))
    })
    .await;
}
