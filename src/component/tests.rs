//! Actors and supervision with real guests.

mod room;

use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::BodyExt as _;

use super::{Call, Host, InvokeError, RequestBody, Scheme, Superior, Version};
use crate::core::{
    Actor, ActorKey, Backoff, Cohort, ComponentName, ComponentSpec, Forced, Grants, GroupName,
    HostBounds, Instances, Limits, Message, Origin, Outbound, Publisher, RequestId, RolloutPolicy,
    RunState, Secret, Source, Supervision, SupervisionStrategy, VersionName, VersionSpec,
};
use crate::runtime::{
    Artifact, Capabilities, Compiler, Engines, Loader, Network, Services, SlowLane,
};
use crate::security::AuditTrail;

const MOMENT: Duration = Duration::from_millis(20);

fn host() -> Host {
    let network = Network::new(Outbound::default()).unwrap();
    let trail = AuditTrail::in_memory();
    let services = Services::new(Capabilities::standard(), trail, Arc::default(), network);
    let engines = Engines::start(HostBounds::default()).unwrap();
    let lane = Arc::new(SlowLane::start(1).unwrap());
    let loader = Loader::new(engines, Compiler::InProcess, None, lane, services);
    Host::new(Arc::new(loader))
}

fn spec(guest: &str) -> ComponentSpec {
    let version = VersionSpec {
        name: None,
        source: Source::Path(guest.into()),
        digest: None,
        signature: None,
    };
    let supervision = Supervision {
        backoff: Backoff {
            first: MOMENT,
            most: MOMENT,
        },
        max_restarts: 2,
        ..Supervision::default()
    };
    ComponentSpec {
        name: guest.parse().unwrap(),
        versions: vec![version],
        weights: vec![1],
        limits: Limits::default(),
        instances: Instances::default(),
        grants: Arc::default(),
        affinity: None,
        rollout: RolloutPolicy::default(),
        subscriptions: Vec::new(),
        supervision,
        mirrored: false,
        routed: true,
    }
}

fn actor(guest: &str, key: Option<&'static str>) -> ComponentSpec {
    let key = key.map(|name| ActorKey::Header(http::HeaderName::from_static(name)));
    let mailbox = 2.try_into().unwrap();
    let mut spec = spec(guest);
    spec.instances.actor = Some(Actor { key, mailbox });
    spec
}

fn file(guest: &str) -> std::path::PathBuf {
    let file = format!("fixtures/components/{guest}.wasm");
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

async fn hosted(host: &Host, spec: ComponentSpec) -> Arc<Version> {
    let bytes = std::fs::read(file(spec.name.as_str())).unwrap();
    let artifact = Artifact::from_bytes(bytes, None).unwrap();
    let version = host.host(artifact, "1".parse().unwrap(), Arc::new(spec));
    version.await.unwrap()
}

async fn start(spec: ComponentSpec) -> Arc<Version> {
    // Its clock, which interrupts guests that spin, ends with the host.
    static HOST: LazyLock<Host> = LazyLock::new(host);
    hosted(&HOST, spec).await
}

async fn ask(version: &Version, path: &str, user: &str) -> Result<String, InvokeError> {
    let request = Request::get(path).header("host", "localhost");
    let request = request.header("x-user", user).body(RequestBody::empty());
    let id = RequestId::next();
    let call = Call {
        origin: Origin::at_the_edge(id, Cohort::of(id), Forced::NONE),
        arrived: Instant::now(),
        scheme: Scheme::Http,
    };
    let response = version.serve(request.unwrap(), call).await?;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

async fn get(version: &Version) -> Result<String, InvokeError> {
    ask(version, "/", "").await
}

async fn until(what: impl Fn() -> bool) {
    // Room for two thousand instances is also waited for.
    let patience = Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(Instant::now() < patience, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Superior for Heard {
    fn changed(&self, _: &ComponentName, _: &VersionName, state: RunState, _: Option<&str>) {
        self.0.lock().unwrap().push(state.as_str().to_owned());
    }

    fn escalated(&self, _: &ComponentName, _: &VersionName, group: Option<&GroupName>) {
        let group = group.map_or("nobody", GroupName::as_str);
        self.0.lock().unwrap().push(format!("to {group}"));
    }
}

#[tokio::test]
async fn an_actor_remembers_and_a_pooled_component_does_not() {
    let (one, pooled) = (
        start(actor("counter", None)).await,
        start(spec("counter")).await,
    );
    for count in 1..=5 {
        assert_eq!(get(&one).await.unwrap(), count.to_string());
        assert_eq!(get(&pooled).await.unwrap(), "1");
    }
    assert_eq!((one.instances().busy, one.instances().idle), (0, 1));
    assert_eq!(one.state(), RunState::Running);
}

#[tokio::test]
async fn requests_of_one_actor_wait_for_each_other_and_a_full_mailbox_says_so() {
    let version = start(actor("sleep", None)).await;
    let began = Instant::now();
    let asks = (0..4).map(|_| ask(&version, "/?ms=100", ""));
    let answers = futures_util::future::join_all(asks).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(answers[..3].iter().all(Result::is_ok), "{answers:?}");
    assert!(matches!(answers[3], Err(InvokeError::Overloaded)));
}

#[tokio::test]
async fn messages_meet_an_actor_in_the_order_in_which_they_are_handed_over() {
    let version = start(actor("counter", None)).await;
    let message = Message::new(
        "orders.created".parse().unwrap(),
        bytes::Bytes::new(),
        Publisher::Gateway,
        Origin::NONE,
    );
    let message = Arc::new(message);
    let order = Mutex::new(Vec::new());
    let handed: Vec<_> = (0..3)
        .map(|number| (number, version.handle(message.clone(), 1)))
        .collect();
    // The last one is polled first.
    let handled = handed.into_iter().rev().map(async |(number, handling)| {
        let result = handling.await;
        assert!(matches!(result, Err(InvokeError::NoHandler)));
        order.lock().unwrap().push(number);
    });
    futures_util::future::join_all(handled).await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    // Who was not called keeps what it is.
    assert_eq!((version.instances().idle, version.restarts()), (1, 0));
}

#[tokio::test]
async fn each_key_has_an_actor_of_its_own_and_the_idlest_makes_room() {
    let mut spec = actor("counter", Some("x-user"));
    spec.instances.max = 2.try_into().unwrap();
    let version = start(spec).await;
    for (user, count) in [
        ("anna", "1"),
        ("bert", "1"),
        ("anna", "2"),
        ("carl", "1"),
        ("anna", "3"),
        ("bert", "1"),
    ] {
        assert_eq!(ask(&version, "/", user).await.unwrap(), count, "{user}");
    }
    assert_eq!(version.instances().idle, 2);
}

#[tokio::test]
async fn a_keyed_actor_ends_when_it_has_been_idle() {
    let mut spec = actor("counter", Some("x-user"));
    spec.instances.idle_timeout = Duration::from_secs(2);
    let version = start(spec).await;
    ask(&version, "/", "anna").await.unwrap();
    version.maintain();
    assert_eq!(ask(&version, "/", "anna").await.unwrap(), "2");
    (0..3).for_each(|_| version.maintain());
    assert_eq!(version.instances().idle, 0);
    assert_eq!(ask(&version, "/", "anna").await.unwrap(), "1");
}

#[tokio::test]
async fn a_client_that_goes_costs_the_instance_and_is_no_failure() {
    let version = start(actor("sleep", None)).await;
    let gone = tokio::time::timeout(MOMENT, ask(&version, "/?ms=10000", "")).await;
    assert!(gone.is_err());
    assert_eq!(version.instances().idle, 0);
    assert_eq!(ask(&version, "/?ms=1", "").await.unwrap(), "slept");
    assert_eq!(
        (version.restarts(), version.state()),
        (0, RunState::Running)
    );
}

#[tokio::test]
async fn an_actor_that_does_not_answer_has_failed() {
    let mut spec = actor("hang", None);
    spec.limits.timeout = Duration::from_millis(200);
    let version = start(spec).await;
    assert!(matches!(get(&version).await, Err(InvokeError::Timeout)));
    assert_eq!(version.restarts(), 1);
    assert!(version.last_failure().unwrap().contains("in time"));
    until(|| version.state() == RunState::Running).await;
}

#[tokio::test]
async fn calls_wait_for_a_restart_and_after_too_many_it_is_stopped() {
    let version = start(actor("trap", None)).await;
    for restarts in 1..=2 {
        assert!(matches!(get(&version).await, Err(InvokeError::Trap(_))));
        assert_eq!(version.restarts(), restarts);
        assert_eq!(version.state(), RunState::Restarting);
    }
    assert!(matches!(get(&version).await, Err(InvokeError::Trap(_))));
    assert_eq!(version.state(), RunState::Stopped);
    assert!(matches!(get(&version).await, Err(InvokeError::Stopped)));
    version.restart();
    until(|| version.state() == RunState::Running).await;
    assert!(matches!(get(&version).await, Err(InvokeError::Trap(_))));
    assert_eq!(version.state(), RunState::Restarting);
}

#[tokio::test]
async fn a_trap_of_a_pooled_component_is_no_failure() {
    let version = start(spec("trap")).await;
    for _ in 0..5 {
        assert!(matches!(get(&version).await, Err(InvokeError::Trap(_))));
    }
    assert_eq!(
        (version.restarts(), version.state()),
        (0, RunState::Running)
    );
}

#[tokio::test]
async fn an_escalation_is_heard_and_the_group_is_restarted_once() {
    let heard = Arc::<Heard>::default();
    let host = host();
    host.report_to(Arc::downgrade(&heard) as Weak<dyn Superior>);
    let mut spec = actor("trap", None);
    spec.supervision.strategy = SupervisionStrategy::Escalate;
    spec.supervision.max_restarts = 0;
    spec.supervision.group = Some("shop".parse().unwrap());
    let version = hosted(&host, spec).await;
    assert!(get(&version).await.is_err());
    assert_eq!(version.state(), RunState::Failed);
    assert!(!version.restart_with_group());
    until(|| version.state() == RunState::Running).await;
    assert!(get(&version).await.is_err());
    assert!(version.restart_with_group());
    assert_eq!(version.state(), RunState::Failed);
    let round = ["starting", "running", "failed", "to shop"];
    let told = [&["installing"][..], &round, &round].concat();
    assert_eq!(*heard.0.lock().unwrap(), told);
}

#[tokio::test]
async fn what_becomes_of_those_that_get_copies_nobody_hears() {
    let heard = Arc::<Heard>::default();
    let host = host();
    host.report_to(Arc::downgrade(&heard) as Weak<dyn Superior>);
    let copies = hosted(&host.for_copies(), actor("trap", None)).await;
    assert!(get(&copies).await.is_err());
    assert_eq!(copies.state(), RunState::Restarting);
    assert!(heard.0.lock().unwrap().is_empty());
    let _itself = hosted(&host, actor("trap", None)).await;
    let told = ["installing", "starting", "running"];
    assert_eq!(*heard.0.lock().unwrap(), told);
}

#[tokio::test]
async fn a_version_that_cannot_be_made_ready_is_heard_to_fail() {
    let heard = Arc::<Heard>::default();
    let host = host();
    host.report_to(Arc::downgrade(&heard) as Weak<dyn Superior>);
    let bytes = std::fs::read(file("no-handler")).unwrap();
    let artifact = Artifact::from_bytes(bytes, None).unwrap();
    let refused = host.host(artifact, "1".parse().unwrap(), Arc::new(spec("no-handler")));
    assert!(refused.await.is_err());
    assert_eq!(*heard.0.lock().unwrap(), ["installing", "failed"]);
}

#[tokio::test]
async fn what_is_shut_down_refuses_and_can_be_brought_back() {
    let version = start(actor("counter", Some("x-user"))).await;
    ask(&version, "/", "anna").await.unwrap();
    version
        .shut_down(Instant::now() + Duration::from_secs(5))
        .await;
    assert_eq!(version.state(), RunState::Stopped);
    assert_eq!(version.instances().idle, 0);
    assert!(matches!(get(&version).await, Err(InvokeError::Stopped)));
    version.warm().await.unwrap();
    assert_eq!(ask(&version, "/", "anna").await.unwrap(), "1");
}

/// Asked every 20 ms; two bad answers are a failure.
fn flaky(mut spec: ComponentSpec, health: &str, well: &str) -> ComponentSpec {
    spec.supervision.health.interval = MOMENT;
    spec.supervision.health.timeout = Duration::from_millis(300);
    spec.supervision.health.failures = 2.try_into().unwrap();
    let mut grants = Grants::default();
    for (key, value) in [("health", health), ("healthy_checks", well)] {
        grants.config.insert(key.into(), Secret::new(value));
    }
    spec.grants = Arc::new(grants);
    spec
}

#[tokio::test]
async fn a_component_is_asked_and_says_what_it_is() {
    let version = start(flaky(spec("health-flaky"), "degraded", "0")).await;
    until(|| version.state() == RunState::Degraded).await;
    until(|| version.metadata().is_some()).await;
    assert_eq!(version.metadata().unwrap().name, "health-flaky");
    assert!(version.health().is_some());
    assert_eq!(get(&version).await.unwrap(), "hello\n");
    assert_eq!(version.restarts(), 0);
}

#[tokio::test]
async fn bad_health_restarts_and_at_last_stops_a_component() {
    for health in ["unhealthy", "trap", "spin"] {
        let version = start(flaky(spec("health-flaky"), health, "0")).await;
        until(|| version.state() == RunState::Stopped).await;
        assert_eq!(version.restarts(), 2, "{health}");
        assert!(version.last_failure().is_some());
        assert!(matches!(get(&version).await, Err(InvokeError::Stopped)));
    }
}

#[tokio::test]
async fn an_actor_is_asked_itself() {
    let version = start(flaky(actor("health-flaky", None), "unhealthy", "3")).await;
    until(|| version.restarts() > 0).await;
    until(|| version.state() == RunState::Running).await;
    assert_eq!(get(&version).await.unwrap(), "hello\n");
}
