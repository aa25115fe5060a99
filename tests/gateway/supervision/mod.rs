//! Components that live long, and who keeps them alive.

mod actors;
mod health;
mod lifecycle;
mod slow;

use crate::support::{Answer, Gate, Setup, guest};

/// A guest under a name of its own, at `/name`, with lines of its tables.
fn component(setup: Setup, name: &str, source: &str, lines: &str) -> Setup {
    let lines = lines.replace("NAME", name);
    setup
        .component(name, &guest(source), &lines)
        .route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}"))
}

/// The guest `actor` as one actor, with more lines.
fn actor(lines: &str) -> Setup {
    let lines = format!("[component.NAME.instances]\nactor = true\n{lines}");
    component(Setup::default(), "actor", "actor", &lines)
}

fn ok(answer: &Answer) -> &str {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.text().trim_end()
}

/// The state of a component's only version, as an operator sees it.
async fn version(gate: &Gate, name: &str) -> serde_json::Value {
    let path = format!("/v1/components/{name}");
    let answer = gate.admin(crate::support::get(&path)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["versions"][0].clone()
}

async fn state(gate: &Gate, name: &str) -> String {
    version(gate, name).await["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
