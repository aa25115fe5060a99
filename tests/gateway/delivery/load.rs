//! Changes while clients ask: none of them notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{letter, serving_a};
use crate::support::{Connection, Gate, bytes_of, marked};

/// Clients that keep their connections and ask until they are stopped.
struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Clients {
    fn of(gate: &Gate, number: usize) -> Self {
        let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let address = gate.address();
        let client = |number: usize| {
            let (stop, asked) = (stop.clone(), asked.clone());
            tokio::spawn(async move {
                let mut client = match number % 2 {
                    0 => Connection::http1(address).await,
                    _ => Connection::http2(address).await,
                };
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.get("/version").await;
                    if answer.status() != 200 || answer.broken.is_some() {
                        failures.push(format!("{answer:?}"));
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                failures
            })
        };
        let tasks = (0..number).map(client).collect();
        Self { stop, asked, tasks }
    }

    /// The number of requests; none of them may have failed.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            let failures = task.await.unwrap();
            assert!(
                failures.is_empty(),
                "{} failed: {}",
                failures.len(),
                failures[0]
            );
        }
        self.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deploys_rollbacks_and_reloads_fail_no_request() {
    let setup = |note: usize| {
        let lines = "version = \"1\"\ninstances = { reuse = 100 }";
        serving_a(lines).route(&format!(
            "path = \"/note\"\nrespond = {{ body = \"{note}\" }}"
        ))
    };
    let mut gate = setup(0).start().await;
    let clients = Clients::of(&gate, 4);
    for round in 0..20 {
        let wasm = marked(&bytes_of("version-b"), &round.to_string());
        gate.deploy("version", &format!("b{round}"), wasm).await;
        assert_eq!(letter(&gate).await, "b", "an answer of the version before");
        assert_eq!(gate.steer("version", "rollback").await.status(), 200);
        assert_eq!(letter(&gate).await, "a", "an answer of the bad version");
        gate.rewrite(setup(round + 1));
        gate.reloads().await;
        assert_eq!(gate.get("/note").await.text(), (round + 1).to_string());
    }
    let asked = clients.stop().await;
    assert!(asked > 100, "only {asked} requests");
}
