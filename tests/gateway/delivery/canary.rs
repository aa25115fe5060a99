//! Rollouts move by the numbers of both versions.

use std::time::{Duration, Instant};

use super::serving_a;
use crate::support::{Gate, Setup, bytes_of, eventually, guest, marked};

const CANARY: &str = r#"version = "1"
[component.version.rollout]
strategy = "canary"
"#;

fn canary(lines: &str) -> Setup {
    serving_a(&format!("{CANARY}{lines}"))
}

/// Asks until it is dropped; one request of `bad` makes the guest `status` fail.
struct Traffic(tokio::task::JoinHandle<()>);

impl Traffic {
    fn to(gate: &Gate, bad: u32) -> Self {
        let address = gate.address();
        Self(tokio::spawn(async move {
            let mut client = crate::support::Connection::http1(address).await;
            for number in 0_u32.. {
                // Without a rhythm that the split could have, too.
                let chance = number.wrapping_mul(0x9E37_79B1) >> 8;
                let code = if chance % bad == 0 { 500 } else { 200 };
                client.get(&format!("/?code={code}")).await;
            }
        }))
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn a_good_candidate_gets_more_step_by_step_until_it_has_all() {
    let lines = "steps = [10, 50]\ninterval = \"400ms\"\nmin_requests = 20";
    let gate = canary(lines).start().await;
    let _traffic = Traffic::to(&gate, u32::MAX);
    let status = gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(status["rollout"]["percent"], 10);
    assert_eq!(status["traffic"], serde_json::json!({ "1": 9, "2": 1 }));
    gate.reaches("version", "promoted").await;
    let actions: Vec<_> = gate
        .history("version")
        .await
        .iter()
        .rev()
        .map(|it| it["action"].clone())
        // Where requests come slowly a step is held until there are enough.
        .filter(|action| action != "verdict")
        .collect();
    assert_eq!(
        actions,
        [
            "configured",
            "deployed",
            "rollout_started",
            "step",
            "promoted"
        ]
    );
    let last = &gate.history("version").await[0]["verdict"];
    assert_eq!(last["outcome"], "pass");
    assert!(
        last["candidate"]["requests"].as_u64().unwrap() >= 20,
        "{last}"
    );
    eventually("it is counted", async || {
        let metrics = gate.metrics().await;
        metrics.sum("airgate_rollouts_total", &[("result", "promoted")]) == 1.0
    })
    .await;
}

#[tokio::test]
async fn a_candidate_that_fails_a_fifth_of_its_requests_is_rolled_back_within_an_interval() {
    // Five hundred requests take their time, too.
    let interval = Duration::from_secs(60);
    let lines = "steps = [10, 50]\ninterval = \"60s\"\nmin_requests = 50";
    let gate = canary(lines).start().await;
    let _traffic = Traffic::to(&gate, 5);
    let began = Instant::now();
    gate.deploy("version", "2", bytes_of("status")).await;
    gate.reaches("version", "rolled_back").await;
    assert!(began.elapsed() < interval, "{:?}", began.elapsed());
    let status = gate.delivery("version").await;
    assert_eq!(status["traffic"], serde_json::json!({ "1": 1 }));
    let verdict = &status["rollout"]["verdict"];
    let number = |who: &str, what: &str| verdict[who][what].as_f64().unwrap();
    let share = number("candidate", "requests")
        / (number("candidate", "requests") + number("stable", "requests"));
    assert!(share < 0.11, "it saw {share} of the requests");
    assert!(
        status["rollout"]["reason"]
            .as_str()
            .unwrap()
            .starts_with("error rate"),
        "{status}"
    );
    gate.log.line("error rate").await;
}

#[tokio::test]
async fn a_burst_of_traps_ends_a_rollout_at_once() {
    let lines = "steps = [50]\ninterval = \"1h\"\nmin_requests = 1_000_000";
    let gate = canary(lines).start().await;
    let _traffic = Traffic::to(&gate, u32::MAX);
    gate.deploy("version", "2", bytes_of("trap")).await;
    gate.reaches("version", "rolled_back").await;
    let verdict = &gate.delivery("version").await["rollout"]["verdict"];
    assert!(
        verdict["candidate"]["traps"].as_u64().unwrap() >= 5,
        "{verdict}"
    );
}

#[tokio::test]
async fn a_paused_rollout_stays_but_still_goes_back() {
    let lines = "steps = [50]\ninterval = \"200ms\"\nmin_requests = 20\nmax_error_rate = 0.05";
    let gate = canary(lines).start().await;
    gate.deploy("version", "2", bytes_of("status")).await;
    assert_eq!(gate.steer("version", "pause").await.status(), 200);
    {
        let _good = Traffic::to(&gate, u32::MAX);
        let served = async || {
            let labels = [("version", "2"), ("outcome", "ok")];
            gate.metrics()
                .await
                .sum("airgate_guest_requests_total", &labels)
                >= 40.0
        };
        eventually("enough requests for a step", served).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(gate.phase("version").await, "paused");
        assert_eq!(gate.delivery("version").await["rollout"]["step"], 0);
    }
    let _bad = Traffic::to(&gate, 2);
    gate.reaches("version", "rolled_back").await;
}

#[tokio::test]
async fn few_requests_say_nothing_and_the_step_is_held() {
    let lines = "steps = [50]\ninterval = \"200ms\"\nmin_requests = 1_000_000";
    let gate = canary(lines).start().await;
    let _traffic = Traffic::to(&gate, u32::MAX);
    gate.deploy("version", "2", bytes_of("version-b")).await;
    let held =
        async || gate.delivery("version").await["rollout"]["verdict"]["outcome"] == "inconclusive";
    eventually("a verdict without a decision", held).await;
    assert_eq!(gate.phase("version").await, "running");
    assert_eq!(gate.steer("version", "promote").await.status(), 200);
    assert_eq!(gate.phase("version").await, "promoted");
    assert_eq!(
        gate.delivery("version").await["traffic"],
        serde_json::json!({ "2": 1 })
    );
}

#[tokio::test]
async fn an_aborted_rollout_gives_everything_back() {
    let gate = canary("steps = [50]\ninterval = \"1h\"").start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(gate.steer("version", "abort").await.status(), 200);
    assert_eq!(gate.phase("version").await, "aborted");
    assert_eq!(
        gate.delivery("version").await["traffic"],
        serde_json::json!({ "1": 1 })
    );
    assert_eq!(gate.steer("version", "abort").await.status(), 409);
}

#[tokio::test]
async fn only_one_rollout_of_a_component_is_under_way() {
    let gate = canary("steps = [50]\ninterval = \"1h\"").start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    let other = marked(&bytes_of("version-b"), "other");
    let refused = gate.put_version("version", "3", other).await;
    assert_eq!(refused.status(), 409);
    assert!(
        refused.text().contains("`2` is being rolled out"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn rolling_takes_equal_steps_without_a_verdict() {
    let lines = "version = \"1\"\n[component.version.rollout]\nstrategy = \"rolling\"\nsteps = [50]\ninterval = \"200ms\"";
    let gate = serving_a(lines).start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    gate.reaches("version", "promoted").await;
}

#[tokio::test]
async fn blue_green_switches_at_once_and_goes_back_when_it_fails() {
    let lines = "version = \"1\"\n[component.version.rollout]\nstrategy = \"blue-green\"\ninterval = \"10s\"\nmin_requests = 20";
    let gate = serving_a(lines).start().await;
    let status = gate.deploy("version", "2", bytes_of("status")).await;
    assert_eq!(status["traffic"], serde_json::json!({ "2": 1 }));
    assert_eq!(status["rollout"]["phase"], "running");
    let _traffic = Traffic::to(&gate, 3);
    gate.reaches("version", "rolled_back").await;
    assert_eq!(super::letter(&gate).await, "a");
}

#[tokio::test]
async fn a_failing_check_ends_a_rollout() {
    let lines = "steps = [50]\ninterval = \"300ms\"\nmin_requests = 1\ncheck = { url = \"http://127.0.0.1:1/\", timeout = \"1s\" }";
    let gate = canary(lines).start().await;
    let _traffic = Traffic::to(&gate, u32::MAX);
    gate.deploy("version", "2", bytes_of("version-b")).await;
    gate.reaches("version", "rolled_back").await;
    assert!(guest("version-a").exists());
}
