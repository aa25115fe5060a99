//! What messages cost with real guests at their ends. See benches/README.md.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use airgate::component::{Call, Host, RequestBody, Scheme};
use airgate::core::{
    ArtifactPolicy, BusObserver, BusSpec, Cohort, ComponentSpec, Forced, Grants, Instances, Limits,
    Message, MessageBus, MessageOutcome, Origin, Outbound, Publisher, RequestId, RequestOptions,
    Reuse, RolloutPolicy, Source, Spread, Subscription, SubscriptionObserver, SubscriptionSpec,
    Supervision, VersionSpec,
};
use airgate::lifecycle::{Deployments, Directory, Receiver, Sources};
use airgate::messaging::LocalBus;
use airgate::monitoring::Recorder;
use airgate::runtime::{Capabilities, Compiler, Loader, Network, Services};
use airgate::security::AuditTrail;
use airgate::storage::StoreSet;
use airgate::system;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use http::header::HOST;
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group! {
    name = messages;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = request, publish
}
criterion_main!(messages);

/// Messages of one iteration.
const BATCH: u64 = 1_000;
const MANY: Reuse = Reuse::Serial {
    requests: NonZeroU32::MAX,
};

/// Request and response: from the gateway to a guest, and from a guest to a guest.
fn request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    for (label, reuse) in [("fresh", Reuse::Fresh), ("reused", MANY)] {
        let setting = Setting::new(reuse);
        group.bench_function(format!("to a guest/{label}"), |bencher| {
            bencher.to_async(&setting.runtime).iter(async || {
                let options = RequestOptions::until(Instant::now() + Duration::from_secs(5));
                let replies = setting.bus.request(message("echo", 0), options).await;
                assert_eq!(replies.unwrap().len(), 1);
            });
        });
        for (what, path) in [
            ("guest to guest", "/request?topic=echo&body=hello"),
            ("guest to nobody", "/request?topic=nobody&body=hello"),
        ] {
            group.bench_function(format!("{what}/{label}"), |bencher| {
                bencher
                    .to_async(&setting.runtime)
                    .iter(async || assert!(!setting.call(path).await.is_empty()));
            });
        }
    }
}

/// Publishing to a guest that does nothing else than to return.
fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(BATCH));
    for (label, reuse) in [("fresh", Reuse::Fresh), ("reused", MANY)] {
        let setting = Setting::new(reuse);
        group.bench_function(format!("to a guest/{label}"), |bencher| {
            bencher.to_async(&setting.runtime).iter(async || {
                let goal = setting.handled.load(Ordering::Relaxed) + BATCH;
                for number in 0..BATCH {
                    let sent = setting
                        .bus
                        .publish(message("count", number), Spread::Shared);
                    sent.await.unwrap();
                }
                while setting.handled.load(Ordering::Relaxed) < goal {
                    tokio::task::yield_now().await;
                }
            });
        });
    }
}

fn message(topic: &str, number: u64) -> Message {
    Message::new(
        topic.parse().unwrap(),
        Bytes::from_static(b"{\"order\": 4711, \"amount\": 12.5}"),
        Publisher::Client { connection: number },
        Origin::NONE,
    )
}

/// A bus with `counter-echo` and `counter-sub` behind it, and `bus` in front.
struct Setting {
    runtime: Runtime,
    bus: Arc<LocalBus>,
    directory: Arc<Directory>,
    handled: Arc<AtomicU64>,
    _subscriptions: Vec<airgate::core::Unsubscribe>,
}

impl Setting {
    fn new(reuse: Reuse) -> Self {
        // As a node does: series that nobody keeps would cost nothing.
        static RECORDER: std::sync::OnceLock<Recorder> = std::sync::OnceLock::new();
        RECORDER.get_or_init(|| Recorder::install().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let loader = loader();
        let handled = Arc::<AtomicU64>::default();
        let observer = Arc::new(Handled(handled.clone()));
        let bus = LocalBus::new(BusSpec::default(), runtime.handle().clone(), observer);
        let stores = tempfile::tempdir().unwrap();
        let stores = StoreSet::open(stores.path(), &Default::default()).unwrap();
        loader.services().connect(bus.clone(), Arc::new(stores));
        let specs = ["counter-echo", "counter-sub", "bus"].map(|name| spec(name, reuse));
        let (sources, policy) = (Sources::new(None).unwrap(), ArtifactPolicy::default());
        let host = Host::new(loader);
        let deployments = runtime.block_on(Deployments::load(specs, &host, &sources, &policy, 1));
        let directory = Arc::<Directory>::default();
        directory.store(deployments.unwrap_or_else(|errors| panic!("{errors:?}")));
        let subscriptions = [("counter-echo", "echo"), ("counter-sub", "count")];
        let subscriptions = subscriptions.map(|(name, topic)| {
            let receiver = Receiver::new(directory.clone(), name.parse().unwrap());
            let subscription = Subscription {
                subscriber: name.into(),
                spec: SubscriptionSpec::to(topic.parse().unwrap()),
            };
            let unsubscribe = runtime.block_on(bus.subscribe(subscription, receiver));
            unsubscribe.unwrap()
        });
        Self {
            runtime,
            bus,
            directory,
            handled,
            _subscriptions: subscriptions.into(),
        }
    }

    /// Asks the guest `bus` over HTTP.
    async fn call(&self, path: &str) -> Bytes {
        let deployments = self.directory.load();
        let version = deployments.find("bus").unwrap().versions()[0].clone();
        let request = Request::get(path).header(HOST, "localhost");
        let request = request.body(RequestBody::empty()).unwrap();
        let id = RequestId::next();
        let call = Call {
            origin: Origin::at_the_edge(id, Cohort::of(id), Forced::NONE),
            arrived: Instant::now(),
            scheme: Scheme::Http,
        };
        let response = version.serve(request, call).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    }
}

fn loader() -> Arc<Loader> {
    let trail = AuditTrail::in_memory();
    let network = Network::new(Outbound::default()).unwrap();
    let services = Services::new(Capabilities::standard(), trail, Arc::default(), network);
    system::loader(None, services, Compiler::InProcess).unwrap()
}

fn component(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/components");
    fixtures.join(name).with_extension("wasm")
}

fn spec(name: &str, reuse: Reuse) -> Arc<ComponentSpec> {
    let version = VersionSpec {
        name: Some("1".parse().unwrap()),
        source: Source::Path(component(name)),
        digest: None,
        signature: None,
    };
    let grants = Grants {
        publish: vec![">".parse().unwrap()],
        request: vec![">".parse().unwrap()],
        ..Grants::default()
    };
    Arc::new(ComponentSpec {
        name: name.parse().unwrap(),
        versions: vec![version],
        weights: vec![1],
        limits: Limits::default(),
        instances: Instances {
            reuse,
            ..Instances::default()
        },
        grants: Arc::new(grants),
        affinity: None,
        rollout: RolloutPolicy::default(),
        subscriptions: Vec::new(),
        supervision: Supervision::default(),
        mirrored: false,
        routed: false,
    })
}

/// Counts what was handled.
struct Handled(Arc<AtomicU64>);

impl BusObserver for Handled {
    fn subscription(&self, _: &Subscription) -> Arc<dyn SubscriptionObserver> {
        Arc::new(Self(self.0.clone()))
    }
}

impl SubscriptionObserver for Handled {
    fn count(&self, outcome: MessageOutcome) {
        if outcome == MessageOutcome::Handled {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn handled_after(&self, _: Duration) {}
}
