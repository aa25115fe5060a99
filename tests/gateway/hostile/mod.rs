//! Guests that want out. No attempt succeeds, the gateway stands, and what it denied is
//! counted. Beside each attempt is a control: the same thing with a grant, or without the
//! gateway, works.

mod dns;
mod files;
mod forgery;
mod host;
mod loopback;
mod names;
mod race;
mod redirect;
mod report;
mod sockets;
mod strict;
mod witness;

use std::net::SocketAddr;

use crate::support::{Gate, Setup, encoded};

use report::Report;

/// A gate that has denied everything is as it was: it answers, and nothing in it panicked.
async fn assert_unharmed(gate: &Gate) {
    assert_eq!(gate.get("/hello").await.text(), "hello world\n");
    gate.at_rest().await;
    let log = gate.log.text();
    assert!(!log.contains("panic"), "{log}");
}

/// How often a component was denied a capability.
async fn denials(gate: &Gate, component: &str, capability: &str) -> usize {
    let labels = [("component", component), ("capability", capability)];
    let metrics = gate.metrics().await;
    metrics.sum("airgate_capability_denied_total", &labels) as usize
}

/// What a guest has to tell.
async fn report(gate: &Gate, path: &str) -> Report {
    let answer = gate.get(path).await.whole();
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    Report::new(answer.text())
}

/// What `fetch`, or a component of the same code, got from a URL: a line for each request.
async fn fetch(gate: &Gate, component: &str, query: &str, url: &str) -> Vec<String> {
    let path = format!("/{component}?{query}&url={}", encoded(url));
    let answer = gate.get(&path).await.whole();
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.text().lines().map(str::to_owned).collect()
}

/// A setup with `hello`, which shows that the gate is unharmed.
fn setup() -> Setup {
    Gate::serving(["hello"])
}

/// Patient enough for a list of attempts; then come the grants.
fn granting(grants: &str) -> String {
    let limits = "{ timeout = \"25s\", cpu = \"20s\", outbound_requests = 10000 }";
    format!("limits = {limits}\ncapabilities = {{ {grants} }}")
}

/// Every server by HTTP, but for those that only `private_networks` leads to.
const ANY_SERVER: &str = r#"http = ["http://*:*", "https://*:*"]"#;

/// `[outbound]` with this name server and little patience for addresses of nobody: enough for a
/// lookup on a busy machine.
fn resolving_by(server: SocketAddr) -> String {
    format!("[outbound]\nnameservers = [\"{server}\"]\nconnect_timeout = \"1s\"")
}
