//! What the parts of the request path cost on their own. See benches/README.md.

use std::convert::Infallible;
use std::hint::black_box;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak};
use std::time::{Duration, Instant};

use airgate::component::{Call, Host, Peers, RequestBody, Scheme, Version};
use airgate::config::{self, HeaderEdits, HostPattern, PathPattern, Route, Target};
use airgate::core::{
    ArtifactPolicy, Cohort, ComponentSpec, Forced, Grants, Instances, Limits, Origin, Outbound,
    RequestId, Reuse, RolloutPolicy, Source, Supervision, VersionName, VersionSpec,
};
use airgate::gateway::Router;
use airgate::lifecycle::{Deployments, Directory, Sources, Split};
use airgate::monitoring::Recorder;
use airgate::runtime::{
    Artifact, Capabilities, Compiler, Loader, Network, Services, VersionPolicy,
};
use airgate::security::AuditTrail;
use airgate::system;
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::header::HOST;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group! {
    name = gateway;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = route, split, configuration, load, instantiate, invoke, reach
}
criterion_main!(gateway);

/// One of `number` routes: a third each of exact paths, patterns and prefixes, over 100 hosts.
fn numbered_route(number: usize) -> Route {
    let path = match number % 3 {
        0 => PathPattern::Exact(format!("/shop/{number}/cart")),
        1 => PathPattern::Pattern(format!("/api/{number}/items/{{id}}")),
        _ => PathPattern::Prefix(format!("/files/{number}")),
    };
    Route {
        name: format!("route-{number}"),
        hosts: vec![HostPattern::Exact(format!(
            "host-{}.example.com",
            number % 100
        ))],
        path,
        methods: vec![Method::GET],
        headers: Vec::new(),
        target: Target::Component("hello".parse().unwrap()),
        mirror: None,
        strip_prefix: None,
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
    }
}

/// The host and path of a request for [`numbered_route`].
fn numbered_request(number: usize) -> (String, String) {
    let path = match number % 3 {
        0 => format!("/shop/{number}/cart"),
        1 => format!("/api/{number}/items/a1b2c3"),
        _ => format!("/files/{number}/css/main.css"),
    };
    (format!("host-{}.example.com", number % 100), path)
}

fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    let headers = HeaderMap::new();
    for size in [10, 1_000, 10_000] {
        let routes: Vec<Route> = (0..size).map(numbered_route).collect();
        let router = Router::new(&routes).unwrap();
        // Spread over the table, so that no single branch stays in the cache.
        let places: Vec<usize> = (0..1_024).map(|step| step * 7_919 % size).collect();
        let requests: Vec<_> = places
            .iter()
            .map(|place| numbered_request(*place))
            .collect();
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % requests.len();
                let (host, path) = &requests[turn];
                let found = router.find(black_box(host), &Method::GET, path, &headers);
                assert_eq!(found, Ok(places[turn]));
            });
        });
    }
}

fn split(criterion: &mut Criterion) {
    let weights = [("1.4.2", 95), ("1.5.0", 5)];
    let weights = weights.map(|(version, weight)| (version.parse().unwrap(), weight));
    let split = Split::new(&weights).unwrap();
    let request = RequestId::next();
    criterion.bench_function("split/pick", |bencher| {
        bencher.iter(|| split.pick(black_box(request)));
    });
    let mut key = 0_u64;
    criterion.bench_function("split/sticky", |bencher| {
        bencher.iter(|| {
            key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
            split.sticky(black_box(key))
        });
    });
}

fn configuration(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let routes = (0..1_000).map(|number| {
        format!("[[route]]\npath = \"/api/{number}/{{id}}\"\nmethods = [\"GET\"]\nrespond = {{ body = \"{number}\" }}\n\n")
    });
    let text: String = std::iter::once("version = 1\n\n".to_owned())
        .chain(routes)
        .collect();
    std::fs::write(&file, text).unwrap();
    criterion.bench_function("config/load 1,000 routes", |bencher| {
        bencher.iter(|| config::load(&file).unwrap());
    });
}

fn component(name: &str) -> PathBuf {
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/components");
    components.join(name).with_extension("wasm")
}

fn artifact(name: &str) -> Artifact {
    Artifact::from_bytes(std::fs::read(component(name)).unwrap(), None).unwrap()
}

fn version_name() -> VersionName {
    "1".parse().unwrap()
}

fn policy(name: &str) -> VersionPolicy {
    VersionPolicy {
        component: name.parse().unwrap(),
        version: version_name(),
        limits: Limits::default(),
        grants: Arc::default(),
    }
}

/// Without a state directory nothing is cached.
fn loader(state: Option<&Path>) -> Arc<Loader> {
    let network = Network::new(Outbound::default()).unwrap();
    let trail = AuditTrail::in_memory();
    let services = Services::new(Capabilities::standard(), trail, Arc::default(), network);
    system::loader(state, services, Compiler::InProcess).unwrap()
}

/// A component from the code cache: validated, its entry authenticated, linked.
fn load(criterion: &mut Criterion) {
    let state = tempfile::tempdir().unwrap();
    let loader = loader(Some(state.path()));
    let mut group = criterion.benchmark_group("load from the code cache");
    for name in ["hello", "hello-p3"] {
        let artifact = artifact(name);
        let load = || loader.load(&artifact, policy(name)).unwrap();
        // The first one compiles.
        load();
        group.bench_function(name, |bencher| bencher.iter(load));
    }
}

/// A fresh instance, made and dropped.
fn instantiate(criterion: &mut Criterion) {
    let runtime = runtime();
    let loader = loader(None);
    let mut group = criterion.benchmark_group("instantiate");
    for name in ["hello", "hello-p3"] {
        let prepared = loader.load(&artifact(name), policy(name)).unwrap();
        group.bench_function(name, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || drop(prepared.instantiate().await.unwrap()));
        });
    }
}

/// Of one thread, as those that serve connections.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A runtime on which metrics are recorded, as in the gateway.
fn recorded_runtime() -> Runtime {
    static RECORDER: LazyLock<Recorder> = LazyLock::new(|| Recorder::install().unwrap());
    LazyLock::force(&RECORDER);
    let runtime = runtime();
    runtime.spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            RECORDER.upkeep();
        }
    });
    runtime
}

const MANY: Reuse = Reuse::Serial {
    requests: NonZeroU32::MAX,
};

/// A whole call, from the lease to the end of the response body, with all limits and metrics.
fn invoke(criterion: &mut Criterion) {
    let runtime = recorded_runtime();
    let host = Host::new(loader(None));
    let mut group = criterion.benchmark_group("invoke");
    let concurrent = Reuse::Concurrent {
        requests: NonZeroU32::MAX,
        at_once: 16.try_into().unwrap(),
    };
    for (label, name, reuse) in [
        ("0.2 fresh", "hello", Reuse::Fresh),
        ("0.2 reused", "hello", MANY),
        ("0.3 fresh", "hello-p3", Reuse::Fresh),
        ("0.3 reused", "hello-p3", MANY),
        ("0.3 concurrent", "hello-p3", concurrent),
    ] {
        let specs = [spec(name, reuse, Grants::default())];
        let version = only(&runtime.block_on(deployed(&host, specs)), name);
        group.bench_function(label, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || assert_eq!(call(&version, "/hello").await, "hello world\n"));
        });
    }
}

/// What it costs a guest to reach others. `in-process call` less `direct call` is one call of
/// another component, with all of the guest that makes it.
fn reach(criterion: &mut Criterion) {
    let runtime = recorded_runtime();
    let loader = loader(None);
    let host = Host::new(loader.clone());
    let directory = Arc::<Directory>::default();
    let peers = Arc::downgrade(&directory) as Weak<dyn Peers>;
    loader.services().introduce(peers);
    let origin = runtime.block_on(origin());
    let fetch = format!("/?url=http://{origin}/");
    let to_origin = Grants {
        http: vec![format!("http://{origin}").parse().unwrap()],
        private_networks: true,
        ..Grants::default()
    };
    let to_hello = Grants {
        components: vec!["hello".parse().unwrap()],
        ..Grants::default()
    };
    let mut group = criterion.benchmark_group("reach");
    for (reused, reuse) in [("fresh", Reuse::Fresh), ("reused", MANY)] {
        for (label, name, grants, path, answer) in [
            (
                "direct call",
                "hello",
                &Grants::default(),
                "/",
                "hello world",
            ),
            (
                "in-process call",
                "relay",
                &to_hello,
                "/?to=hello",
                "hello world",
            ),
            (
                "denied outbound call",
                "fetch",
                &Grants::default(),
                &*fetch,
                "denied",
            ),
            (
                "granted outbound call",
                "fetch",
                &to_origin,
                &*fetch,
                "200 12 hello world",
            ),
        ] {
            let specs = [("hello", &Grants::default()), (name, grants)]
                .map(|(name, grants)| spec(name, reuse, grants.clone()));
            let deployments = runtime.block_on(deployed(&host, specs));
            let version = only(&deployments, name);
            directory.store(deployments);
            group.bench_function(BenchmarkId::new(label, reused), |bencher| {
                bencher.to_async(&runtime).iter(async || {
                    assert!(call(&version, path).await.starts_with(answer.as_bytes()))
                });
            });
        }
    }
}

/// A server that keeps its connections and answers as `hello` does.
async fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(hello));
            tokio::spawn(connection);
        }
    });
    address
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello world\n")))
}

fn spec(name: &str, reuse: Reuse, grants: Grants) -> Arc<ComponentSpec> {
    let version = VersionSpec {
        name: Some(version_name()),
        source: Source::Path(component(name)),
        digest: None,
        signature: None,
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
        routed: true,
    })
}

/// The last one of a name counts.
async fn deployed<const N: usize>(host: &Host, specs: [Arc<ComponentSpec>; N]) -> Deployments {
    let (sources, policy) = (Sources::new(None).unwrap(), ArtifactPolicy::default());
    let deployments = Deployments::load(specs, host, &sources, &policy, 1).await;
    deployments.unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn only(deployments: &Deployments, name: &str) -> Arc<Version> {
    deployments.find(name).unwrap().versions()[0].clone()
}

async fn call(version: &Version, path: &str) -> Bytes {
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
