//! The way back.

use serde_json::json;

use super::{letter, serving_a};
use crate::support::{bytes_of, marked};

#[tokio::test]
async fn a_rollback_brings_back_what_served_before_and_a_second_one_changes_nothing() {
    let gate = serving_a("version = \"1\"").start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(gate.steer("version", "rollback").await.status(), 200);
    assert_eq!(letter(&gate).await, "a");
    let again = gate.steer("version", "rollback").await;
    assert_eq!(again.status(), 409, "{}", again.text());
    assert_eq!(letter(&gate).await, "a");
}

#[tokio::test]
async fn any_kept_version_can_be_gone_back_to() {
    let gate = serving_a("version = \"1\"").start().await;
    for name in ["2", "3"] {
        gate.deploy("version", name, marked(&bytes_of("version-b"), name))
            .await;
    }
    let back = gate
        .steer_with(
            "version",
            "rollback",
            "{\"to\": \"1\", \"reason\": \"as before\"}",
        )
        .await;
    assert_eq!(back.status(), 200, "{}", back.text());
    assert_eq!(letter(&gate).await, "a");
    assert_eq!(gate.history("version").await[0]["reason"], "as before");
    let unknown = gate
        .steer_with("version", "rollback", "{\"to\": \"9\"}")
        .await;
    assert_eq!(unknown.status(), 404);
    assert!(unknown.text().contains("`3`"), "{}", unknown.text());
}

#[tokio::test]
async fn a_rollout_under_way_is_rolled_back_to_what_was_before_it() {
    let lines =
        "version = \"1\"\n[component.version.rollout]\nstrategy = \"canary\"\ninterval = \"1h\"";
    let gate = serving_a(lines).start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(gate.steer("version", "pause").await.status(), 200);
    assert_eq!(gate.steer("version", "rollback").await.status(), 200);
    let status = gate.delivery("version").await;
    assert_eq!(status["traffic"], json!({ "1": 1 }));
    assert_eq!(status["rollout"]["phase"], "rolled_back");
}

#[tokio::test]
async fn a_version_that_is_lost_from_disk_gets_no_traffic() {
    let gate = serving_a("version = \"1\"").start().await;
    let kept = gate
        .put_version_with("version", "2", bytes_of("version-b"), "traffic=none")
        .await;
    let digest = kept.json()["versions"][1]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let hex = digest.trim_start_matches("sha256:");
    std::fs::remove_file(gate.state().join(format!("artifacts/{hex}.wasm"))).unwrap();
    // The newest is kept ready; the one before is read from disk again.
    let newest = marked(&bytes_of("version-b"), "newest");
    gate.put_version_with("version", "3", newest, "traffic=none")
        .await;
    let refused = gate
        .steer_with("version", "rollback", "{\"to\": \"2\"}")
        .await;
    assert_eq!(refused.status(), 422, "{}", refused.text());
    assert_eq!(letter(&gate).await, "a");
}
