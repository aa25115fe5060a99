//! What the parts of the request path cost on their own. See benches/README.md.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use airgate::component::{Call, Host, RequestBody, Scheme, Version};
use airgate::config::{self, HeaderEdits, HostPattern, PathPattern, Route, Target};
use airgate::core::{
    ComponentSpec, Instances, Limits, RequestId, Reuse, Source, VersionName, VersionSpec,
};
use airgate::gateway::Router;
use airgate::lifecycle::Split;
use airgate::monitoring::Recorder;
use airgate::runtime::{Artifact, Loader};
use airgate::system::loader;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::header::HOST;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group! {
    name = gateway;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = route, split, configuration, load, instantiate, invoke
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
    let split = Split::new(&[95, 5]).unwrap();
    criterion.bench_function("split/pick", |bencher| bencher.iter(|| split.pick()));
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

fn component(name: &str) -> Vec<u8> {
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/components");
    std::fs::read(components.join(name).with_extension("wasm")).unwrap()
}

fn version_name() -> VersionName {
    "1".parse().unwrap()
}

/// A component from the code cache: validated, its entry authenticated, linked.
fn load(criterion: &mut Criterion) {
    let state = tempfile::tempdir().unwrap();
    let loader = loader(Some(state.path())).unwrap();
    let mut group = criterion.benchmark_group("load from the code cache");
    for name in ["hello", "hello-p3"] {
        let artifact = Artifact::from_bytes(component(name), None).unwrap();
        let load = |loader: &Loader| {
            let component = name.parse().unwrap();
            loader
                .load(&artifact, component, version_name(), Limits::default())
                .unwrap()
        };
        // The first one compiles.
        load(&loader);
        group.bench_function(name, |bencher| bencher.iter(|| load(&loader)));
    }
}

/// A fresh instance, made and dropped.
fn instantiate(criterion: &mut Criterion) {
    let runtime = runtime();
    let loader = loader(None).unwrap();
    let mut group = criterion.benchmark_group("instantiate");
    for name in ["hello", "hello-p3"] {
        let artifact = Artifact::from_bytes(component(name), None).unwrap();
        let component = name.parse().unwrap();
        let prepared = loader
            .load(&artifact, component, version_name(), Limits::default())
            .unwrap();
        group.bench_function(name, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || drop(prepared.instantiate().await.unwrap()));
        });
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A whole call, from the lease to the end of the response body, with all limits and metrics.
/// Unconstrained, because one task makes all calls, and tokio would make it pause between.
fn invoke(criterion: &mut Criterion) {
    let runtime = runtime();
    let recorder = Recorder::install().unwrap();
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            recorder.upkeep();
        }
    });
    let host = Host::new(loader(None).unwrap());
    let mut group = criterion.benchmark_group("invoke");
    let many = 1_000_000.try_into().unwrap();
    let reused = Reuse::Serial { requests: many };
    let concurrent = Reuse::Concurrent {
        requests: many,
        at_once: 16.try_into().unwrap(),
    };
    for (label, name, reuse) in [
        ("0.2 fresh", "hello", Reuse::Fresh),
        ("0.2 reused", "hello", reused),
        ("0.3 fresh", "hello-p3", Reuse::Fresh),
        ("0.3 reused", "hello-p3", reused),
        ("0.3 concurrent", "hello-p3", concurrent),
    ] {
        let version = runtime.block_on(hosted(&host, name, reuse));
        group.bench_function(label, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || call(&version).await);
        });
    }
}

async fn hosted(host: &Host, name: &str, reuse: Reuse) -> Arc<Version> {
    let spec = ComponentSpec {
        name: name.parse().unwrap(),
        versions: vec![VersionSpec {
            name: Some(version_name()),
            source: Source::Path(name.into()),
            digest: None,
        }],
        weights: vec![1],
        limits: Limits::default(),
        instances: Instances {
            reuse,
            ..Instances::default()
        },
    };
    let bytes = component(name);
    host.host(bytes, None, Some(version_name()), Arc::new(spec))
        .await
        .unwrap()
}

async fn call(version: &Version) {
    let request = Request::get("/hello").header(HOST, "localhost");
    let request = request.body(RequestBody::empty()).unwrap();
    let call = Call {
        id: RequestId::next(),
        arrived: Instant::now(),
        scheme: Scheme::Http,
    };
    let response = version.serve(request, call).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "hello world\n");
}
