//! kill -9 at any moment: what was confirmed is there, and the rest is as it was before.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;

use super::serving_a;
use crate::support::{Gate, bytes_of, marked, write_token};

const KILLS: u64 = 200;
const VERSION: &str = "version = \"0\"
[component.version.rollout]
strategy = \"rolling\"
steps = [20, 40, 60, 80]
interval = \"100ms\"
";

/// Different each time, and the same in each run.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(kill.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55)
}

fn names(delivery: &serde_json::Value) -> BTreeSet<String> {
    let versions = delivery["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

/// What must hold at every start: versions that were confirmed, weights of versions that are
/// there, an answer.
async fn whole(gate: &Gate, confirmed: &BTreeSet<String>) {
    let delivery = gate.delivery("version").await;
    let there = names(&delivery);
    assert!(
        there.is_superset(confirmed),
        "lost: {:?}",
        confirmed - &there
    );
    let traffic = delivery["traffic"].as_object().unwrap();
    assert!(
        !traffic.is_empty() && traffic.keys().all(|name| there.contains(name)),
        "{delivery}"
    );
    let serving = delivery["versions"].as_array().unwrap().iter();
    let mut serving = serving.filter(|it| it["weight"].as_u64() > Some(0));
    assert!(serving.all(|it| it["loaded"] == true), "{delivery}");
    assert_eq!(gate.get("/version").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_no_version_and_leave_no_half_change() {
    let state = tempfile::tempdir().unwrap();
    write_token(state.path());
    let setup = serving_a(VERSION)
        .state(state.path())
        .state_lines("keep_versions = 100");
    let mut confirmed = BTreeSet::new();
    let mut ended = 0;
    for kill in 0..KILLS {
        let mut gate = setup.clone().start().await;
        whole(&gate, &confirmed).await;
        match gate.phase("version").await.as_str() {
            // A restart resumes it: some kills fall into its steps.
            "running" => {}
            "paused" => assert_eq!(gate.steer("version", "resume").await.status(), 200),
            phase => {
                ended += u64::from(phase == "promoted");
                let name = format!("v{}", kill % 50);
                let wasm = marked(&bytes_of("version-b"), &name);
                // The answer may be lost with the process: then nothing was promised.
                let (put, ()) = tokio::join!(gate.put_version("version", &name, wasm), async {
                    if kill % 4 == 3 {
                        tokio::time::sleep(moment(kill) / 16).await;
                    }
                });
                if put.status() < 300 {
                    confirmed.insert(name);
                }
            }
        }
        if kill % 7 == 6 {
            gate.steer("version", "pause").await;
        }
        tokio::time::sleep(moment(kill)).await;
        gate.signal(Signal::KILL);
        gate.exit_within(Duration::from_secs(10)).await;
    }
    let gate = setup.start().await;
    whole(&gate, &confirmed).await;
    assert!(ended > 10, "only {ended} rollouts came to their end");
}
