//! The audit trail: what it records, who can ask for what, and what no guest can do to it.

use std::path::Path;
use std::time::Duration;

use http::Request;
use serde_json::Value;

use crate::support::{Connection, Gate, Setup, empty, encoded, eventually, get, write_token};

/// A state directory, and so a trail, of its own.
fn state() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_token(dir.path());
    dir
}

/// What no grant covers: nobody has to be there.
fn elsewhere() -> String {
    encoded("http://192.0.2.1:81/path?query")
}

/// Has a guest refused something, and tells which request it was.
async fn refused(gate: &Gate) -> String {
    let answer = gate.get(&format!("/fetch?url={}", elsewhere())).await;
    assert_eq!(answer.text(), "denied:http-request-denied\n");
    let newest = gate.audit("kind=denied&component=fetch&limit=1").await;
    let id = newest[0]["request_id"].as_str().expect("a request");
    assert_eq!(gate.log.access(id).await["component"], "fetch");
    id.to_owned()
}

fn all(events: &[Value], key: &str) -> Vec<String> {
    let texts = events
        .iter()
        .map(|event| event[key].as_str().unwrap_or_default());
    texts.map(str::to_owned).collect()
}

#[tokio::test]
async fn events_are_found_by_what_they_are() {
    let state = state();
    let gate = Gate::serving(["fetch", "ambient"])
        .state(state.path())
        .start()
        .await;
    for _ in 0..3 {
        refused(&gate).await;
    }
    gate.get("/ambient").await;
    let events = gate.audit("kind=denied&component=fetch").await;
    assert_eq!(all(&events, "capability"), ["http"; 3]);
    assert_eq!(all(&events, "target"), ["http://192.0.2.1:81"; 3]);
    assert!(all(&events, "request_id").iter().all(|id| id.len() == 32));
    let capabilities = all(
        &gate.audit("kind=denied&component=ambient").await,
        "capability",
    );
    assert!(capabilities.contains(&"sockets".into()) && capabilities.contains(&"http".into()));
    let sockets = gate.audit("capability=sockets").await;
    assert!(
        all(&sockets, "component")
            .iter()
            .all(|name| name == "ambient")
            && !sockets.is_empty()
    );
    assert_eq!(
        gate.audit("kind=denied&component=fetch&limit=2")
            .await
            .len(),
        2
    );
    assert!(gate.audit("limit=0").await.is_empty());
    assert!(gate.audit("kind=audited").await.is_empty());
    assert!(gate.audit("component=nobody").await.is_empty());
    // The newest first, and since a moment means that moment too.
    let everything = gate.audit("limit=100000").await;
    let times = all(&everything, "time");
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    // Each component was deployed when the gateway started.
    let started = all(&everything, "kind");
    let started = started.iter().filter(|kind| **kind == "deployed").count();
    assert_eq!((times.len() - started, started), (5, 2));
    let newest = &times[0];
    let since = gate.audit(&format!("since={}", encoded(newest))).await;
    assert!(!since.is_empty() && all(&since, "time").iter().all(|time| time == newest));
    assert!(gate.audit("since=2999-01-01T00:00:00Z").await.is_empty());
}

#[tokio::test]
async fn a_question_that_cannot_be_understood_is_a_problem() {
    let gate = Gate::serving(["hello"]).start().await;
    for query in [
        "kind=nonsense",
        "limit=many",
        "limit=-1",
        "since=yesterday",
        "component=a%2Fb",
        "nonsense=1",
    ] {
        let answer = gate.admin(get(&format!("/v1/audit?{query}"))).await;
        assert_eq!(answer.status(), 400, "{query}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{query}"
        );
        assert_eq!(answer.json()["status"], 400);
    }
    let mut nobody = Connection::http1(gate.admin_address()).await;
    assert_eq!(nobody.get("/v1/audit").await.status(), 401);
}

fn on_disk(state: &Path) -> String {
    std::fs::read_to_string(state.join("audit/audit.jsonl")).unwrap_or_default()
}

#[tokio::test]
async fn events_outlive_the_process_however_it_ends() {
    let state = state();
    let setup = Gate::serving(["fetch"]).state(state.path());
    let mut ids = Vec::new();
    for end in ["killed", "terminated"] {
        let mut gate = setup.clone().start().await;
        let id = refused(&gate).await;
        eventually("it is on disk", async || {
            on_disk(state.path()).contains(&id)
        })
        .await;
        ids.push(id);
        match end {
            "killed" => gate.signal(rustix::process::Signal::KILL),
            _ => gate.signal(rustix::process::Signal::TERM),
        }
        gate.exit_within(Duration::from_secs(10)).await;
    }
    // As if the machine had gone in the middle of a line.
    let file = state.path().join("audit/audit.jsonl");
    let torn = on_disk(state.path()) + "{\"time\":\"2026-01-";
    std::fs::write(file, torn).unwrap();
    let gate = setup.start().await;
    ids.push(refused(&gate).await);
    let mut found = all(
        &gate.audit("kind=denied&component=fetch").await,
        "request_id",
    );
    found.reverse();
    assert_eq!(found, ids);
    for file in std::fs::read_dir(state.path().join("audit")).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[tokio::test]
async fn what_is_done_through_the_admin_api_is_recorded_and_what_is_refused_too() {
    let state = state();
    let gate = Gate::serving(["hello"]).state(state.path()).start().await;
    gate.admin(get("/v1/routes")).await;
    assert_eq!(gate.reload().await.status(), 200);
    let calls = gate.audit("kind=admin_call").await;
    assert_eq!(
        (all(&calls, "target"), all(&calls, "detail")),
        (
            vec!["POST /v1/reload".into()],
            vec!["200 OK by admin".into()]
        )
    );
    for (request, target) in [
        (Request::get("/metrics?token=guess"), "GET /metrics"),
        (
            Request::post("/v1/drain").header("authorization", "Bearer guess"),
            "POST /v1/drain",
        ),
    ] {
        let mut client = Connection::http1(gate.admin_address()).await;
        let answer = client.ask(request.body(empty()).unwrap()).await;
        assert_eq!(answer.status(), 401);
        let newest = &gate.audit("limit=1").await[0];
        assert_eq!(
            (&newest["kind"], &newest["capability"]),
            (&"denied".into(), &"admin".into())
        );
        assert_eq!(
            (&newest["target"], &newest["detail"]),
            (&target.into(), &"401 Unauthorized".into())
        );
    }
    // Health is for everybody.
    let before = gate.audit("limit=1000").await.len();
    Connection::http1(gate.admin_address())
        .await
        .get("/livez")
        .await;
    assert_eq!(gate.audit("limit=1000").await.len(), before);
    eventually("all of it is on disk", async || {
        on_disk(state.path()).contains("POST /v1/drain")
    })
    .await;
    assert!(!on_disk(state.path()).contains("guess"));
}

#[tokio::test]
async fn deployments_and_new_grants_are_recorded_without_their_values() {
    let state = state();
    let with = |capabilities: &str| {
        let lines = format!("[component.hello.capabilities]\n{capabilities}");
        Setup::default()
            .guest_with("hello", &lines)
            .state(state.path())
    };
    let mut gate = with("http = [\"https://a.example\"]").start().await;
    gate.rewrite(with(
        "http = [\"https://b.example\"]\nconfig = { api_key = \"hunter2-1\" }\nclocks = false",
    ));
    assert_eq!(gate.reload().await.status(), 200);
    let changed = gate.audit("kind=grants_changed&component=hello").await;
    // The older one is that of the start, before which nothing was granted.
    assert_eq!(all(&changed, "target"), ["http, config, clocks", "http"]);
    assert!(
        changed[0]["detail"].as_str().unwrap().contains("api_key"),
        "{changed:?}"
    );
    // Another value of the same key, and nothing else.
    gate.rewrite(with(
        "http = [\"https://b.example\"]\nconfig = { api_key = \"hunter2-2\" }\nclocks = false",
    ));
    assert_eq!(gate.reload().await.status(), 200);
    let changed = gate
        .audit("kind=grants_changed&component=hello&limit=1")
        .await;
    assert_eq!(all(&changed, "target"), ["config"]);
    // Nothing new, no event.
    assert_eq!(gate.reload().await.status(), 200);
    assert_eq!(gate.audit("kind=grants_changed").await.len(), 3);
    let deployed = gate.audit("kind=deployed").await;
    assert_eq!(all(&deployed, "component"), ["hello"], "at the start");
    let both = with("http = [\"https://b.example\"]").guest("echo");
    gate.rewrite(both);
    assert_eq!(gate.reload().await.status(), 200);
    let deployed = gate.audit("kind=deployed").await;
    assert_eq!(all(&deployed, "component"), ["echo", "hello"]);
    let digest = deployed[0]["target"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{deployed:?}");
    gate.rewrite(Setup::default().state(state.path()));
    assert_eq!(gate.reload().await.status(), 200);
    let removed = gate.audit("kind=deployed&component=hello").await;
    assert_eq!(
        all(&removed, "detail"),
        ["removed", "from the configuration"]
    );
    eventually("all of it is on disk", async || {
        on_disk(state.path()).contains("\"removed\"")
    })
    .await;
    drop(gate);
    assert!(!on_disk(state.path()).contains("hunter2"));
}

#[tokio::test]
async fn a_flood_of_denials_fills_neither_the_trail_nor_the_log() {
    const DENIALS: u64 = 5_000;
    let state = state();
    let lines =
        format!("limits = {{ outbound_requests = {DENIALS}, cpu = \"30s\", timeout = \"60s\" }}");
    let gate = Setup::default()
        .guest_with("fetch-many", &lines)
        .state(state.path())
        .start()
        .await;
    let quiet = gate.log.text().len();
    let path = format!("/fetch-many?url={}&n={DENIALS}&parallel=100", elsewhere());
    let began = std::time::Instant::now();
    let answer = gate.get(&path).await.whole();
    assert!(
        answer
            .text()
            .contains(&format!("denied:http-request-denied: {DENIALS}\n")),
        "{}",
        answer.text()
    );
    let windows = began.elapsed().as_secs() as usize + 2;
    assert_eq!(gate.denied("fetch-many", "http").await, DENIALS as f64);
    // Every one of them is accounted for.
    let mut events = Vec::new();
    eventually("all are counted", async || {
        events = gate
            .audit("kind=denied&component=fetch-many&limit=1000")
            .await;
        let counted = events
            .iter()
            .map(|event| event["repeated"].as_u64().unwrap());
        counted.sum::<u64>() == DENIALS
    })
    .await;
    assert!(
        events.len() <= 21 * windows,
        "{} events in {windows} seconds",
        events.len()
    );
    let logged = gate.log.text().len() - quiet;
    assert!(logged < 21 * windows * 500 + 2_000, "{logged} bytes of log");
    let files = std::fs::read_dir(state.path().join("audit")).unwrap();
    let size: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size < 21 * windows as u64 * 600, "{size} bytes of trail");
}

#[tokio::test]
async fn audit_mode_allows_and_records() {
    let gate = Setup::default()
        .guest_with(
            "ambient",
            "[component.ambient.capabilities]\nmode = \"audit\"",
        )
        .start()
        .await;
    let answer = gate.get("/ambient").await.whole();
    let text = answer.text();
    // Let through to a port where nobody is.
    assert!(text.contains("tcp=error:connection-refused\n"), "{text}");
    assert!(text.contains("http=denied:connection-refused\n"), "{text}");
    let events = gate.audit_of("ambient").await;
    for capability in ["http", "sockets"] {
        let of = events
            .iter()
            .filter(|event| event["capability"] == capability);
        let kinds: Vec<_> = of.map(|event| event["kind"].as_str().unwrap()).collect();
        assert!(
            !kinds.is_empty() && kinds.iter().all(|kind| *kind == "audited"),
            "{events:?}"
        );
        assert!(gate.denied("ambient", capability).await >= 1.0);
    }
}

#[tokio::test]
async fn clocks_and_random_numbers_can_be_taken_away() {
    let without = |name: &str, what: &str| {
        let guest = crate::support::guest("clock-random");
        let lines = format!("[component.{name}.capabilities]\n{what} = false");
        (name.to_owned(), guest, lines)
    };
    let mut setup = Gate::serving(["clock-random"]);
    for (name, guest, lines) in [without("timeless", "clocks"), without("certain", "random")] {
        setup = setup
            .component(&name, &guest, &lines)
            .route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}"));
    }
    let gate = setup.start().await;
    let clocks = ["wall-clock", "monotonic-clock"];
    let random = ["random", "insecure-random", "insecure-seed"];
    assert_eq!(
        gate.get("/clock-random")
            .await
            .whole()
            .text()
            .lines()
            .count(),
        5
    );
    for (name, capability, gone, left) in [
        ("timeless", "clocks", &clocks[..], &random[..]),
        ("certain", "random", &random[..], &clocks[..]),
    ] {
        for (count, only) in gone.iter().enumerate() {
            let answer = gate.get(&format!("/{name}?only={only}")).await;
            assert_eq!(answer.status(), 502, "{name} {only}");
            assert_eq!(gate.denied(name, capability).await, count as f64 + 1.0);
            let events = gate.audit_of(name).await;
            assert_eq!(events.len(), count + 1, "{events:?}");
            assert_eq!(events[0]["capability"], capability);
            let target = events[0]["target"].as_str().unwrap();
            assert!(
                target.starts_with(&format!("wasi:{capability}/")),
                "{target}"
            );
        }
        for only in left {
            let answer = gate.get(&format!("/{name}?only={only}")).await.whole();
            assert!(
                answer.text().starts_with(&format!("{only}: ok ")),
                "{}",
                answer.text()
            );
        }
    }
    assert_eq!(gate.get("/clock-random").await.status(), 200);
}
