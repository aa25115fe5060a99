//! Health checks, restarts, giving up, and escalation.

use http::Request;

use super::{actor, component, ok, state, version};
use crate::support::{Gate, Setup, empty, eventually, get};

/// Who is slow to answer on a busy machine is not ill.
const QUICK: &str = "[component.NAME.supervision]
health_interval = \"100ms\"
health_timeout = \"5s\"
health_failures = 2
backoff = \"50ms\"
max_backoff = \"100ms\"
";

fn flaky(health: &str, more: &str) -> Setup {
    flaky_under(QUICK, health, more)
}

/// It is ill whether or not it answers in time.
fn flaky_under(supervision: &str, health: &str, more: &str) -> Setup {
    let supervision = supervision.replace("\"5s\"", "\"200ms\"");
    let config = format!("[component.NAME.capabilities]\nconfig = {{ health = \"{health}\" }}\n");
    let setup = component(
        Setup::default(),
        "flaky",
        "health-flaky",
        &format!("{config}{supervision}{more}"),
    );
    setup.guest("hello")
}

async fn steer(gate: &Gate, path: &str) {
    let answer = gate.admin(Request::post(path).body(empty()).unwrap()).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn a_component_that_says_it_is_ill_is_restarted() {
    let gate = actor(QUICK).start().await;
    ok(&gate.get("/actor/add").await);
    eventually("it runs", async || state(&gate, "actor").await == "running").await;
    ok(&gate.get("/actor/degrade").await);
    eventually("it is degraded", async || {
        state(&gate, "actor").await == "degraded"
    })
    .await;
    assert_eq!(
        ok(&gate.get("/actor/state").await).split(' ').nth(1),
        Some("1"),
        "and serves"
    );
    assert_eq!(
        version(&gate, "actor").await["health"]["detail"],
        "told to degrade"
    );
    ok(&gate.get("/actor/poison").await);
    eventually("it was restarted", async || {
        let version = version(&gate, "actor").await;
        version["restarts"] == 1 && version["state"] == "running"
    })
    .await;
    assert_eq!(
        ok(&gate.get("/actor/state").await).split(' ').nth(1),
        Some("0"),
        "anew"
    );
    let labels = [("component", "actor"), ("state", "running")];
    assert_eq!(
        gate.metrics().await.sum("airgate_component_state", &labels),
        1.0
    );
}

#[tokio::test]
async fn who_never_gets_well_is_stopped_and_answers_503() {
    for ill in ["unhealthy", "trap", "hang", "spin"] {
        let gate = flaky(ill, "max_restarts = 2").start().await;
        eventually("it is stopped", async || {
            state(&gate, "flaky").await == "stopped"
        })
        .await;
        let answer = gate.get("/flaky").await;
        assert_eq!(answer.status(), 503, "{ill}");
        assert_eq!(version(&gate, "flaky").await["restarts"], 2, "{ill}");
        assert_eq!(
            ok(&gate.get("/hello").await),
            "hello world",
            "its neighbours go on"
        );
        let ready = gate.admin(get("/readyz")).await;
        assert_eq!(ready.status(), 200, "a stop is no escalation");
        // It serves until it is found ill again, which may be before it is asked.
        eventually("an operator's restart counts anew", async || {
            steer(&gate, "/v1/components/flaky/restart").await;
            gate.get("/flaky").await.status() == 200
        })
        .await;
    }
}

#[tokio::test]
async fn an_actor_that_keeps_dying_is_given_up() {
    let lines = format!("{QUICK}max_restarts = 3\nwithin = \"1m\"");
    let gate = actor(&lines).start().await;
    let mut traps = 0;
    while state(&gate, "actor").await != "stopped" {
        let answer = gate.get("/actor/trap").await;
        assert!([502, 503].contains(&answer.status()), "{}", answer.text());
        traps += u32::from(answer.status() == 502);
        assert!(traps < 10);
    }
    assert_eq!(traps, 4, "three restarts, and the one too many");
    assert_eq!(gate.get("/actor/add").await.status(), 503);
    steer(&gate, "/v1/components/actor/restart").await;
    ok(&gate.get("/actor/add").await);
}

#[tokio::test]
async fn clients_cannot_stop_a_component_that_is_no_actor() {
    let lines = format!("{QUICK}max_restarts = 1");
    let setup = component(Setup::default(), "trap", "actor", &lines);
    let gate = setup.start().await;
    for _ in 0..30 {
        assert_eq!(gate.get("/trap/trap").await.status(), 502);
    }
    ok(&gate.get("/trap/add").await);
    assert_eq!(version(&gate, "trap").await["restarts"], 0);
}

#[tokio::test]
async fn a_strategy_of_stopping_stops_at_the_first_failure() {
    let gate = flaky("unhealthy", "strategy = \"stop\"").start().await;
    eventually("it is stopped", async || {
        state(&gate, "flaky").await == "stopped"
    })
    .await;
    assert_eq!(version(&gate, "flaky").await["restarts"], 0);
    assert_eq!(gate.get("/flaky").await.status(), 503);
}

#[tokio::test]
async fn an_escalation_makes_the_node_not_ready_until_somebody_helps() {
    let gate = flaky("unhealthy", "strategy = \"escalate\"\nmax_restarts = 1")
        .start()
        .await;
    eventually("the node is not ready", async || {
        gate.admin(get("/readyz")).await.status() == 503
    })
    .await;
    assert_eq!(state(&gate, "flaky").await, "failed");
    assert_eq!(gate.get("/flaky").await.status(), 503);
    assert_eq!(ok(&gate.get("/hello").await), "hello world");
    assert_eq!(gate.admin(get("/livez")).await.status(), 200);
}

#[tokio::test]
async fn a_group_is_restarted_together() {
    let escalating = "strategy = \"escalate\"\nmax_restarts = 1\ngroup = \"family\"";
    let lines = format!(
        "[component.NAME.instances]\nactor = true\n{QUICK}strategy = \"escalate\"\ngroup = \"family\""
    );
    // It fails so late that its sibling has counted before.
    let late = QUICK.replace("100ms", "1s");
    let flaky = flaky_under(&late, "unhealthy", escalating);
    let gate = component(flaky, "sibling", "actor", &lines).start().await;
    ok(&gate.get("/sibling/add").await);
    eventually("the sibling was restarted too", async || {
        version(&gate, "sibling").await["restarts"].as_u64() >= Some(1)
    })
    .await;
    // It is told to end only then.
    eventually("it has begun anew", async || {
        ok(&gate.get("/sibling/state").await).split(' ').nth(1) == Some("0")
    })
    .await;
    eventually("nothing helps, and the node says so", async || {
        gate.admin(get("/readyz")).await.status() == 503
    })
    .await;
}

#[tokio::test]
async fn states_are_events() {
    let gate = flaky("unhealthy", "max_restarts = 0").start().await;
    eventually("it is stopped", async || {
        state(&gate, "flaky").await == "stopped"
    })
    .await;
    eventually("the operator is told", async || {
        !gate.log.lines_with("stopped").is_empty()
    })
    .await;
}
