//! What the local bus costs on its own: handlers are native and do next to nothing. Each on
//! one thread, which sends and handles.

use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use airgate::core::{
    BusObserver, BusSpec, Delivery, HandlerFuture, Message, MessageBus, MessageHandler,
    MessageOutcome, Origin, Publisher, RequestOptions, Spread, Subscription, SubscriptionObserver,
    SubscriptionSpec, Unsubscribe,
};
use airgate::messaging::LocalBus;
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group! {
    name = bus;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = publish, fan_out, request
}
criterion_main!(bus);

/// Messages of one iteration.
const BATCH: u64 = 10_000;

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(BATCH));
    for (label, publishers) in [("one publisher", 1), ("100 publishers", 100)] {
        let setting = Setting::new();
        let (counter, _subscription) = setting.count("orders.*", None);
        group.bench_function(label, |bencher| {
            let (bus, counter) = (&setting.bus, &counter);
            bencher
                .to_async(&setting.runtime)
                .iter(async || send(bus, publishers, counter, BATCH).await);
        });
    }
    // What nobody listens to.
    let setting = Setting::new();
    group.bench_function("no subscriber", |bencher| {
        let (bus, template) = (&setting.bus, message(0));
        bencher.to_async(&setting.runtime).iter(async || {
            for _ in 0..BATCH {
                let receipt = bus.publish(template.clone(), Spread::Shared).await;
                assert_eq!(receipt.unwrap().receivers, 0);
            }
        });
    });
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(BATCH));
    for (label, name) in [("10 subscribers", None), ("a group of 10", Some("workers"))] {
        let setting = Setting::new();
        let counted: Vec<_> = (0..10).map(|_| setting.count("orders.*", name)).collect();
        let total = counted[0].0.clone();
        group.bench_function(BenchmarkId::from_parameter(label), |bencher| {
            let bus = &setting.bus;
            let copies = if name.is_none() { 10 * BATCH } else { BATCH };
            bencher
                .to_async(&setting.runtime)
                .iter(async || send(bus, 1, &total, copies).await);
        });
    }
}

fn request(criterion: &mut Criterion) {
    let setting = Setting::new();
    let _subscription = setting.answer("stock.reserve");
    criterion.bench_function("request/native handler", |bencher| {
        let bus = &setting.bus;
        let request = Message {
            topic: "stock.reserve".parse().unwrap(),
            ..message(0)
        };
        bencher.to_async(&setting.runtime).iter(async || {
            let options = RequestOptions::until(Instant::now() + Duration::from_secs(5));
            assert_eq!(
                bus.request(request.clone(), options).await.unwrap().len(),
                1
            );
        });
    });
}

/// Sends a batch in bursts that the queues have room for; returns when all of it was counted.
async fn send(bus: &LocalBus, publishers: u64, counter: &AtomicU64, copies: u64) {
    const BURST: u64 = 1_000;
    let templates: Vec<Message> = (0..publishers).map(message).collect();
    let mut messages = templates.iter().cycle();
    let mut goal = counter.load(Ordering::Relaxed);
    for _ in 0..BATCH / BURST {
        for template in messages.by_ref().take(BURST as usize) {
            bus.publish(template.clone(), Spread::Shared).await.unwrap();
        }
        goal += copies / (BATCH / BURST);
        while counter.load(Ordering::Relaxed) < goal {
            tokio::task::yield_now().await;
        }
    }
}

fn message(number: u64) -> Message {
    Message::new(
        "orders.created".parse().unwrap(),
        Bytes::from_static(b"{\"order\": 4711, \"amount\": 12.5}"),
        Publisher::Client { connection: number },
        Origin::NONE,
    )
}

struct Setting {
    runtime: Runtime,
    bus: Arc<LocalBus>,
    counter: Arc<AtomicU64>,
}

impl Setting {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let bus = LocalBus::new(
            BusSpec::default(),
            runtime.handle().clone(),
            Arc::new(Quiet),
        );
        Self {
            runtime,
            bus,
            counter: Arc::default(),
        }
    }

    /// All of them count together.
    fn count(&self, topic: &str, group: Option<&str>) -> (Arc<AtomicU64>, Unsubscribe) {
        let handler = Arc::new(Counting(self.counter.clone()));
        let mut subscription = to(topic);
        subscription.spec.group = group.map(|name| name.parse().unwrap());
        let unsubscribe = self
            .runtime
            .block_on(self.bus.subscribe(subscription, handler));
        let unsubscribe = unsubscribe.unwrap();
        (self.counter.clone(), unsubscribe)
    }

    fn answer(&self, topic: &str) -> Unsubscribe {
        let handler = Arc::new(Answering(Arc::downgrade(&self.bus)));
        let unsubscribe = self
            .runtime
            .block_on(self.bus.subscribe(to(topic), handler));
        unsubscribe.unwrap()
    }
}

fn to(topic: &str) -> Subscription {
    Subscription {
        subscriber: "bench".into(),
        spec: SubscriptionSpec::to(topic.parse().unwrap()),
    }
}

struct Counting(Arc<AtomicU64>);

impl MessageHandler for Counting {
    fn handle(&self, _: Delivery) -> HandlerFuture {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(Ok(())))
    }
}

struct Answering(Weak<LocalBus>);

impl MessageHandler for Answering {
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        let bus = self.0.clone();
        Box::pin(async move {
            let message = &delivery.message;
            let reply = Message {
                topic: message.reply_to.clone().unwrap(),
                ..Message::clone(message)
            };
            let bus = bus.upgrade().unwrap();
            bus.publish(reply, Spread::Shared).await.unwrap();
            Ok(())
        })
    }
}

/// Counts nothing: what counting costs is the observer's.
struct Quiet;

impl BusObserver for Quiet {
    fn subscription(&self, _: &Subscription) -> Arc<dyn SubscriptionObserver> {
        Arc::new(Self)
    }
}

impl SubscriptionObserver for Quiet {
    fn count(&self, _: MessageOutcome) {}

    fn handled_after(&self, _: Duration) {}
}
