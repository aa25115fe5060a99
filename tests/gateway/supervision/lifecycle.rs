//! From the first call of an instance to its last: initialize before, shutdown after.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{actor, component, ok, state, version};
use crate::support::{Setup, eventually, get, write_token};

fn configured(setup: Setup, name: &str, config: &str, lines: &str) -> Setup {
    let config = format!("[component.NAME.capabilities]\nconfig = {{ {config} }}\n{lines}");
    component(setup, name, "actor", &config)
}

#[tokio::test]
async fn every_instance_is_initialized_before_its_first_request() {
    // Fresh instances, reused ones and those that are kept ready.
    let setup = configured(Setup::default(), "fresh", "a = \"b\"", "");
    let setup = configured(
        setup,
        "reused",
        "a = \"b\"",
        "[component.NAME.instances]\nreuse = 10",
    );
    let setup = configured(
        setup,
        "ready",
        "init = \"slow\"",
        "[component.NAME.instances]\nready = 2",
    );
    let gate = setup.start().await;
    for name in ["fresh", "reused", "ready"] {
        for _ in 0..5 {
            ok(&gate.get(&format!("/{name}/add")).await);
        }
    }
    // It is asked for that beside its requests.
    let mut metadata = serde_json::Value::Null;
    eventually("it has said who it is", async || {
        metadata = version(&gate, "fresh").await["metadata"].clone();
        !metadata.is_null()
    })
    .await;
    assert_eq!(
        (&metadata["name"], &metadata["version"]),
        (&"actor".into(), &"1.2.3".into())
    );
}

#[tokio::test]
async fn a_component_that_cannot_be_initialized_is_not_deployed() {
    for (init, reason) in [("fail", "init=fail"), ("trap", "trap")] {
        let setup = configured(
            Setup::default(),
            "broken",
            &format!("init = \"{init}\""),
            "",
        );
        let refusal = setup.try_start().await.err().expect("a refusal");
        assert!(
            refusal.stderr.contains("cannot be started"),
            "{}",
            refusal.stderr
        );
        assert!(
            refusal.stderr.contains(reason),
            "{init}: {}",
            refusal.stderr
        );
    }
}

#[tokio::test]
async fn a_drain_tells_actors_to_end_and_waits() {
    let state_dir = tempfile::tempdir().unwrap();
    write_token(state_dir.path());
    let lines = "[component.NAME.capabilities]\nkeyvalue = { default = \"read-write\" }";
    let setup = actor(lines).state(state_dir.path());
    let mut gate = setup.clone().start().await;
    for _ in 0..7 {
        ok(&gate.get("/actor/add").await);
    }
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(Duration::from_secs(20)).await.success());
    gate.log.line("shutdown 7").await;
    drop(gate);
    let gate = setup.start().await;
    let stored = gate
        .admin(get("/v1/stores/default/spaces/actor/keys/shutdown"))
        .await;
    assert_eq!(stored.text(), "7", "what it stored at its end is there");
}

#[tokio::test]
async fn who_hangs_at_the_end_is_not_waited_for() {
    let lines = "[component.NAME.supervision]\nshutdown_timeout = \"500ms\"\n\
        [component.NAME.capabilities]\nconfig = { shutdown = \"hang\" }";
    let mut gate = actor(lines).start().await;
    ok(&gate.get("/actor/add").await);
    let began = Instant::now();
    gate.signal(Signal::TERM);
    gate.exit_within(Duration::from_secs(10)).await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_stopped_component_can_be_started_again() {
    let gate = actor("").start().await;
    ok(&gate.get("/actor/add").await);
    let post = |path: &str| {
        let request = http::Request::post(path);
        request.body(crate::support::empty()).unwrap()
    };
    let stopped = gate.admin(post("/v1/components/actor/stop")).await;
    assert_eq!(stopped.status(), 200, "{}", stopped.text());
    assert_eq!(gate.get("/actor/add").await.status(), 503);
    eventually("its instances have ended", async || {
        state(&gate, "actor").await == "stopped"
    })
    .await;
    let started = gate.admin(post("/v1/components/actor/restart")).await;
    assert_eq!(started.status(), 200, "{}", started.text());
    assert_eq!(
        ok(&gate.get("/actor/add").await).split(' ').nth(1),
        Some("1")
    );
}

#[tokio::test]
async fn a_rollback_to_what_was_stopped_starts_it() {
    let lines = "version = \"a\"";
    let setup = component(Setup::default(), "version", "version-a", lines);
    let gate = setup.start().await;
    let bytes = crate::support::bytes_of("version-b");
    gate.deploy("version", "b", bytes).await;
    let stop = "/v1/components/version/stop?version=a";
    let stop = http::Request::post(stop)
        .body(crate::support::empty())
        .unwrap();
    assert_eq!(gate.admin(stop).await.status(), 200);
    let answer = gate
        .steer_with("version", "rollback", "{\"to\": \"a\"}")
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(ok(&gate.get("/version").await), "a");
}

#[tokio::test]
async fn a_second_signal_ends_at_once_while_components_are_told_to_end() {
    let lines = "[component.NAME.supervision]\nshutdown_timeout = \"30s\"\n\
        [component.NAME.capabilities]\nconfig = { shutdown = \"hang\" }";
    let mut gate = actor(lines)
        .server("drain_timeout = \"200ms\"")
        .start()
        .await;
    ok(&gate.get("/actor/add").await);
    gate.signal(Signal::TERM);
    // Past the drain, in the middle of the actor's end.
    eventually("the drain is over", async || {
        !gate.log.lines_with("draining").is_empty()
    })
    .await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!gate.has_ended(), "it waits for the actor");
    gate.signal(Signal::TERM);
    gate.exit_within(Duration::from_secs(15)).await;
}
