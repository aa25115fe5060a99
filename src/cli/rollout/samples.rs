//! A component in the states of a rollout, for tests.

use serde_json::{Value, json};

use crate::cli::admin::Event;
use crate::lifecycle::DeliveryStatus;
use crate::lifecycle::Phase;

/// `cart`, from 1.4.2 to 1.5.0, at a step of its four.
pub(in crate::cli) fn running(step: usize) -> DeliveryStatus {
    serde_json::from_value(status(step, "running")).unwrap()
}

pub(in crate::cli) fn ended(phase: Phase) -> DeliveryStatus {
    let phase = serde_json::to_value(phase).unwrap();
    let mut status = status(3, phase.as_str().unwrap());
    let (winner, loser) = match phase == "promoted" {
        true => ("1.5.0", "1.4.2"),
        false => ("1.4.2", "1.5.0"),
    };
    status["traffic"] = json!({ winner: 1 });
    status["previous"] = json!({ loser: 1 });
    status["generation"] = json!(40);
    serde_json::from_value(status).unwrap()
}

pub(in crate::cli) fn event(kind: &str, status: DeliveryStatus) -> Event {
    serde_json::from_value(json!({
        "id": status.generation, "at": "2026-01-31T12:00:00.007Z", "kind": kind, "component": "cart",
        "by": "ops", "version": "1.5.0", "status": status,
    }))
    .unwrap()
}

fn status(step: usize, phase: &str) -> Value {
    let steps = [5, 25, 50, 100];
    let version = |name: &str, weight: u8, origin: &str, digit: &str| {
        json!({
            "name": name, "digest": format!("sha256:{}", digit.repeat(64)), "bytes": 102_400,
            "origin": origin, "added": "2026-01-31T12:00:00Z", "weight": weight, "loaded": true,
        })
    };
    let candidate = steps[step];
    json!({
        "component": "cart", "generation": 10 + step,
        "versions": [
            version("1.4.2", 100 - candidate, "configuration", "a"),
            version("1.5.0", candidate, "deployed", "b"),
        ],
        "traffic": { "1.4.2": 100 - candidate, "1.5.0": candidate },
        "previous": { "1.4.2": 1 },
        "rollout": {
            "id": 7, "candidate": "1.5.0", "strategy": "canary", "phase": phase, "step": step,
            "steps": steps, "percent": candidate, "interval_ms": 60_000, "by": "ops",
            "started": "2026-01-31T12:00:00Z", "changed": "2026-01-31T12:01:00Z",
            "reason": "error rate 20.00% is above 1.00%",
            "verdict": {
                "outcome": if phase == "rolled_back" { "fail" } else { "pass" },
                "reason": "error rate 20.00% is above 1.00%", "window_ms": 60_000,
                "candidate": {
                    "requests": 250, "errors": 50, "traps": 50, "timeouts": 0, "memory": 0,
                    "p99_ms": 12.14,
                },
                "stable": { "requests": 5_000, "errors": 2, "traps": 0, "timeouts": 0, "memory": 0 },
            },
        },
    })
}
