//! Rollouts, followed at servers that tell little.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::end::End;
use super::{Rollout, follow, samples};
use crate::cli::admin::{Client, Failure};
use crate::core::Timestamp;
use crate::lifecycle::DeliveryStatus;
use crate::lifecycle::Phase;

/// What it answers, time after time; the last answer stays.
#[derive(Clone, Default)]
struct Script {
    delivery: Arc<Mutex<VecDeque<Option<DeliveryStatus>>>>,
    history: Value,
    /// The text of the stream, which ends after it.
    events: Option<String>,
}

fn next(script: &Script) -> Option<DeliveryStatus> {
    let mut delivery = script.delivery.lock().unwrap();
    match delivery.len() {
        1 => delivery[0].clone(),
        _ => delivery.pop_front().unwrap(),
    }
}

async fn delivery(State(script): State<Script>) -> Response {
    match next(&script) {
        Some(status) => serde_json::to_string(&status).unwrap().into_response(),
        None => status(404),
    }
}

async fn events(State(script): State<Script>) -> Response {
    script
        .events
        .map_or_else(|| status(404), |text| text.into_response())
}

fn status(status: u16) -> Response {
    let mut response = ().into_response();
    *response.status_mut() = status.try_into().unwrap();
    response
}

async fn followed(script: Script) -> Result<End, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/v1/components/cart/delivery", get(delivery))
        .route(
            "/v1/components/cart/history",
            get(async |State(script): State<Script>| script.history.to_string()),
        )
        .route("/v1/events", get(events))
        .with_state(script);
    tokio::spawn(async { axum::serve(listener, router).await });
    let rollout = Rollout {
        component: "cart".parse().unwrap(),
        candidate: "1.5.0".parse().unwrap(),
        id: 7,
    };
    follow(&Client::for_test(&address), &rollout, &samples::running(0)).await
}

fn script(delivery: impl IntoIterator<Item = Option<DeliveryStatus>>) -> Script {
    Script {
        delivery: Arc::new(Mutex::new(delivery.into_iter().collect())),
        ..Script::default()
    }
}

#[tokio::test]
async fn an_event_ends_it() {
    let ended = samples::event("rolled_back", samples::ended(Phase::RolledBack));
    let other = json!({ "id": 1, "at": "0", "kind": "removed", "component": "other" });
    let data = |event: &Value| format!("data: {event}\n\n");
    let mut script = script([Some(samples::running(1))]);
    let ended = json!({
        "id": ended.id, "at": Timestamp::from_millis(0), "kind": ended.kind,
        "component": ended.component, "status": ended.status,
    });
    script.events = Some(data(&other) + &data(&ended));
    let end = followed(script).await.unwrap();
    assert_eq!((end.phase, end.exit_code()), (Phase::RolledBack, 5));
}

#[tokio::test]
async fn a_stream_that_tells_nothing_is_made_up_for_by_looking() {
    let states = [
        Some(samples::running(1)),
        Some(samples::running(2)),
        Some(samples::ended(Phase::Promoted)),
    ];
    let mut script = script(states);
    script.events = Some(String::new());
    assert_eq!(followed(script).await.unwrap().exit_code(), 0);
}

#[tokio::test]
async fn events_of_the_time_before_it_do_not_end_it() {
    let mut old = samples::ended(Phase::Aborted);
    old.generation = 1;
    if let Some(rollout) = &mut old.rollout {
        rollout.id = 6;
    }
    let event =
        json!({ "id": 1, "at": "0", "kind": "aborted", "component": "cart", "status": old });
    let states = [
        Some(samples::running(1)),
        Some(samples::running(2)),
        Some(samples::ended(Phase::Promoted)),
    ];
    let mut script = script(states);
    script.events = Some(format!("data: {event}\n\n"));
    assert_eq!(followed(script).await.unwrap().phase, Phase::Promoted);
}

#[tokio::test]
async fn a_component_that_is_gone_ends_it() {
    let end = followed(script([None])).await.unwrap();
    assert_eq!(end.exit_code(), 5);
    assert!(end.told().contains("not there any more"), "{}", end.told());
}

fn replaced() -> Script {
    let mut newer = samples::running(0);
    newer.generation = 50;
    if let Some(rollout) = &mut newer.rollout {
        rollout.id = 9;
    }
    script([Some(newer)])
}

#[tokio::test]
async fn the_journal_tells_how_a_rollout_ended_that_nobody_saw_end() {
    let record = |seq: u64, id: u64, phase: &str| {
        json!({
            "seq": seq, "at": "0", "by": "ops", "component": "cart", "action": "promoted",
            "after": {
                "generation": seq, "statement": null, "versions": [], "traffic": [],
                "rollout": {
                    "id": id, "candidate": "1.5.0", "from": [], "step": 0, "phase": phase,
                    "by": "ops", "started": "0", "changed": "0",
                    "policy": {
                        "strategy": "canary", "steps": [5], "interval": 1, "min_requests": 1,
                        "max_error_rate": 0.1, "max_p99_ratio": null, "on_inconclusive": "hold",
                    },
                },
            },
        })
    };
    for (phase, code) in [("promoted", 0), ("rolled_back", 5), ("running", 5)] {
        let mut script = replaced();
        script.history = json!([
            record(9, 9, "running"),
            record(8, 7, phase),
            record(7, 7, "running")
        ]);
        assert_eq!(followed(script).await.unwrap().exit_code(), code, "{phase}");
    }
    let mut script = replaced();
    script.history = json!([]);
    assert_eq!(followed(script).await.unwrap().phase, Phase::Superseded);
}
