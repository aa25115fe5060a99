//! Messages between components, by the real bus: sent, answered, tried again, given up.

mod browser;
mod delivering;
mod events;
mod failing;
mod grants;
mod limits;
mod reload;
mod requesting;
mod routes;
mod waiting;

use crate::support::{Answer, Gate, Setup, encoded, eventually, guest};

/// Everything that the guests of these tests use of the bus and of the store.
const GRANTS: &str =
    "publish = [\">\"]\nrequest = [\">\"]\nkeyvalue = { default = \"read-write\" }";

/// The guest `bus` under a name of its own, at `/name`, with these subscriptions, a topic and
/// the lines that follow it.
fn member(setup: Setup, name: &str, subscriptions: &[&str]) -> Setup {
    component(setup, name, "bus", GRANTS, subscriptions)
}

/// As [`member`], of any guest, with lines of `capabilities`.
fn component(
    setup: Setup,
    name: &str,
    source: &str,
    grants: &str,
    subscriptions: &[&str],
) -> Setup {
    let mut lines = format!("[component.{name}.capabilities]\n{grants}\n");
    for subscription in subscriptions {
        lines += &format!("[[component.{name}.subscribe]]\n{subscription}\n");
    }
    let setup = setup.component(name, &guest(source), &lines);
    match source.starts_with("counter-") {
        true => setup,
        false => setup.route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}")),
    }
}

/// The path at which a guest sends `body` to `topic`.
fn sending(name: &str, topic: &str, body: &str) -> String {
    format!(
        "/{name}/send?topic={}&body={}",
        encoded(topic),
        encoded(body)
    )
}

/// The path at which a guest asks whoever listens to `topic`.
fn asking(name: &str, topic: &str, body: &str) -> String {
    format!(
        "/{name}/request?topic={}&body={}",
        encoded(topic),
        encoded(body)
    )
}

/// What the guest `kv` finds in the store of the component `name`: only that component sees it, so
/// the operator is asked.
async fn stored(gate: &Gate, name: &str, key: &str) -> Option<String> {
    let path = format!("/v1/stores/default/spaces/{name}/keys/{key}");
    let answer = gate.admin(crate::support::get(&path)).await;
    match answer.status() {
        404 => None,
        200 => Some(String::from_utf8_lossy(&answer.body).into_owned()),
        status => panic!("{status}: {}", answer.text()),
    }
}

/// The lines that a guest has appended to a key, once there are so many.
async fn appended(gate: &Gate, name: &str, key: &str, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    eventually(&format!("{count} lines in {key} of {name}"), async || {
        let text = stored(gate, name, key).await.unwrap_or_default();
        lines = text.lines().map(str::to_owned).collect();
        lines.len() >= count
    })
    .await;
    lines
}

async fn counted(gate: &Gate, subscriber: &str, result: &str) -> f64 {
    let labels = [("subscriber", subscriber), ("result", result)];
    gate.metrics()
        .await
        .sum("airgate_bus_messages_total", &labels)
}

/// Waits until so many are counted: that happens after what others see of a message.
async fn eventually_counted(gate: &Gate, subscriber: &str, result: &str, count: f64) {
    let mut last = f64::NAN;
    let what = format!("{count} {result} by {subscriber}");
    eventually(&what, async || {
        last = counted(gate, subscriber, result).await;
        last >= count
    })
    .await;
    assert_eq!(last, count, "{result} by {subscriber}");
}

fn ok(answer: &Answer) -> &str {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.text().trim_end()
}
