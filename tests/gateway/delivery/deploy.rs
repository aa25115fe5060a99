//! A version that is sent is verified, kept, and given traffic.

use serde_json::json;

use super::{letter, serving_a};
use crate::support::{bytes_of, guest, marked};

#[tokio::test]
async fn a_deployed_version_serves_at_once_and_the_old_one_is_kept() {
    let gate = serving_a("version = \"1\"").start().await;
    assert_eq!(letter(&gate).await, "a");
    let status = gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(letter(&gate).await, "b");
    assert_eq!(status["traffic"], json!({ "2": 1 }));
    assert_eq!(status["previous"], json!({ "1": 1 }));
    assert_eq!(status["rollout"]["phase"], "promoted");
    let names: Vec<_> = status["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["1", "2"]);
    assert!(
        status["versions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["loaded"] == true)
    );
}

#[tokio::test]
async fn the_same_bytes_under_the_same_name_change_nothing() {
    let gate = serving_a("").start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    let before = gate.delivery("version").await;
    let again = gate
        .put_version("version", "2", bytes_of("version-b"))
        .await;
    assert_eq!(again.status(), 200, "{}", again.text());
    assert_eq!(gate.delivery("version").await, before);
}

#[tokio::test]
async fn a_version_can_be_kept_without_traffic_and_get_it_later() {
    let gate = serving_a("version = \"1\"").start().await;
    let kept = gate
        .put_version_with("version", "2", bytes_of("version-b"), "traffic=none")
        .await;
    assert_eq!(kept.status(), 201, "{}", kept.text());
    assert_eq!(letter(&gate).await, "a");
    let set = gate.set_traffic("version", "{\"2\": 1}").await;
    assert_eq!(set.status(), 200, "{}", set.text());
    assert_eq!(letter(&gate).await, "b");
}

#[tokio::test]
async fn weights_that_are_set_are_exact() {
    let gate = serving_a("version = \"1\"").start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    gate.set_traffic("version", "{\"1\": 9, \"2\": 1}").await;
    let mut client = gate.http2().await;
    let mut second = 0;
    for _ in 0..1_000 {
        second += u32::from(client.get("/version").await.text().trim() == "b");
    }
    assert!((99..=101).contains(&second), "{second}");
}

#[tokio::test]
async fn old_versions_are_forgotten_but_never_the_previous_one() {
    let setup = serving_a("version = \"0\"").lines("");
    let gate = setup.state_lines("keep_versions = 2").start().await;
    for number in 1..=6 {
        let wasm = marked(&bytes_of("version-b"), &number.to_string());
        gate.deploy("version", &number.to_string(), wasm).await;
    }
    let status = gate.delivery("version").await;
    let names: Vec<_> = status["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"6") && names.contains(&"5"), "{names:?}");
    assert!(!names.contains(&"1"), "{names:?}");
    let artifacts = std::fs::read_dir(gate.state().join("artifacts")).unwrap();
    let kept = artifacts
        .filter(|it| {
            it.as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|it| it == "wasm")
        })
        .count();
    assert_eq!(kept, names.len());
    assert_eq!(gate.steer("version", "rollback").await.status(), 200);
    assert_eq!(gate.delivery("version").await["traffic"], json!({ "5": 1 }));
}

#[tokio::test]
async fn what_a_reload_does_not_change_it_does_not_touch() {
    let setup = |text: &str| {
        serving_a("")
            .guest_with("counter", "instances = { reuse = 1000 }")
            .route(&format!(
                "path = \"/fixed\"\nrespond = {{ body = {text:?} }}"
            ))
    };
    let mut gate = setup("one").start().await;
    let mut client = gate.http1().await;
    assert_eq!(client.get("/counter").await.text().trim(), "1");
    gate.rewrite(setup("two"));
    gate.reloads().await;
    assert_eq!(gate.get("/fixed").await.text(), "two");
    assert_eq!(
        client.get("/counter").await.text().trim(),
        "2",
        "another instance"
    );
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(
        client.get("/counter").await.text().trim(),
        "3",
        "another instance"
    );
    assert!(guest("counter").exists());
}
