//! Components that come in, and those that do not.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::shop::{Shop, assert_problem, put};
use crate::support::{body, get, guest, within};

/// Bytes of the largest component that is taken.
const ARTIFACT_LIMIT: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_version_is_deployed_and_serves() {
    let shop = Shop::open().await;
    assert_eq!(shop.gate.get("/cart").await.text(), "a");
    let answer = shop.deploy("2.0", "version-b").await;
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let status = answer.json();
    assert_eq!(
        answer.header("etag"),
        format!("\"{}\"", status["generation"])
    );
    assert_eq!(
        answer.header("location"),
        "/v1/components/cart/versions/2.0"
    );
    assert_eq!(status["traffic"], json!({ "2.0": 1 }));
    assert_eq!(shop.gate.get("/cart").await.text(), "b");
    let version = shop.ask_as("read", get(answer.header("location"))).await;
    assert_eq!(
        (version.status(), &version.json()["name"]),
        (200, &"2.0".into())
    );
    let component = shop.ask_as("read", get("/v1/components/cart")).await.json();
    assert_eq!(component["generation"], status["generation"]);
    assert_eq!(component["traffic"], status["traffic"]);
}

#[tokio::test]
async fn a_version_name_means_its_bytes_and_no_others() {
    let shop = Shop::open().await;
    let first = shop.deploy("2.0", "version-b").await;
    assert_eq!(first.status(), 201);
    let again = shop.deploy("2.0", "version-b").await;
    assert_eq!(again.status(), 200);
    let other = shop.deploy("2.0", "hello").await;
    assert_problem(&other, 409, None);
    let existing = other.json()["existing"].as_str().unwrap().to_owned();
    assert!(existing.starts_with("sha256:"), "{existing}");
    assert_eq!(shop.gate.get("/cart").await.text(), "b");
}

#[tokio::test]
async fn a_component_that_is_too_large_is_refused_before_and_while_it_comes() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    let head = shop.upload_head(&format!("content-length: {}", ARTIFACT_LIMIT + 1));
    let answer = shop.raw().await.ask(head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let mut raw = shop.raw().await;
    raw.send(shop.upload_head("transfer-encoding: chunked"))
        .await;
    let piece = vec![0; 1 << 20];
    for _ in 0..=ARTIFACT_LIMIT / piece.len() {
        raw.send(format!("{:x}\r\n", piece.len())).await;
        raw.send(&piece).await.send("\r\n").await;
    }
    let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(shop.delivery().await.text(), before.text());
}

#[tokio::test]
async fn an_upload_that_is_cut_off_changes_nothing() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    let bytes = std::fs::read(guest("version-b")).unwrap();
    let length = format!("content-length: {}", bytes.len());
    for (fields, sent) in [
        (&*length, bytes[..bytes.len() / 2].to_vec()),
        ("transfer-encoding: chunked", b"5\r\n\0asm".to_vec()),
    ] {
        let mut raw = shop.raw().await;
        raw.send(shop.upload_head(fields)).await.send(&sent).await;
        raw.stream.shutdown().await.unwrap();
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(shop.delivery().await.text(), before.text());
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
}

#[tokio::test]
async fn too_many_uploads_at_once_are_told_to_come_back() {
    let shop = Shop::open().await;
    let mut uploads = Vec::new();
    for _ in 0..4 {
        let mut raw = shop.raw().await;
        let head = shop.upload_head("content-length: 1000\r\nexpect: 100-continue");
        // It is asked to go on when it has its place.
        assert!(
            raw.send(head)
                .await
                .head()
                .await
                .starts_with("HTTP/1.1 100")
        );
        uploads.push(raw);
    }
    let full = shop.deploy("2.0", "version-b").await;
    assert_problem(&full, 503, None);
    assert!(full.header("retry-after").parse::<u32>().unwrap() > 0);
    drop(uploads);
    let deployed = async { while shop.deploy("2.0", "version-b").await.status() == 503 {} };
    within(PATIENCE, "a place for an upload", deployed).await;
    assert_eq!(shop.gate.get("/cart").await.text(), "b");
}

#[tokio::test]
async fn what_is_said_of_an_upload_must_mean_something() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    let bytes = std::fs::read(guest("version-b")).unwrap();
    let path = "/v1/components/cart/versions/2.0";
    for (query, header, status, field) in [
        ("?strategy=best", None, 400, Some("strategy")),
        ("?strategy=canary&steps=50,25", None, 400, Some("steps")),
        ("?steps=0", None, 400, Some("steps")),
        ("?traffic=some", None, 400, Some("traffic")),
        ("?speed=1", None, 400, Some("speed")),
        (
            "",
            Some(("content-digest", "sha-256=x")),
            400,
            Some("content-digest"),
        ),
        (
            "",
            Some(("x-airgate-signature", "***")),
            400,
            Some("x-airgate-signature"),
        ),
        ("", Some(("if-match", "7")), 400, Some("if-match")),
        ("", Some(("if-match", "\"none\"")), 412, None),
    ] {
        let mut request = put(&format!("{path}{query}"));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(body(bytes.clone())).unwrap();
        assert_problem(&shop.ask_as("deploy", request).await, status, field);
    }
    // Well formed, but of other bytes.
    let digest = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    let request = put(path).header("content-digest", digest);
    let request = request.body(body(bytes.clone())).unwrap();
    assert_eq!(shop.ask_as("deploy", request).await.status(), 422);
    let request = put("/v1/components/nobody/versions/2.0")
        .body(body(bytes))
        .unwrap();
    assert_problem(&shop.ask_as("deploy", request).await, 404, None);
    assert_eq!(shop.delivery().await.text(), before.text());
}
