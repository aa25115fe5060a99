//! Who may ask, and from where.

use std::time::Duration;

use http::Request;
use http::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::shop::{Shop, assert_problem, post, put};
use crate::support::{body, empty, get, guest, within};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn every_role_may_do_its_part_and_no_more() {
    let shop = Shop::open().await;
    let rollback = "/v1/components/cart/rollback";
    for (request, role, status) in [
        (get("/v1/delivery"), "read", 200),
        (get("/v1/components/cart/history"), "read", 200),
        (get("/v1/openapi.json"), "read", 200),
        (get("/metrics"), "read", 200),
        (get("/v1/audit"), "read", 200),
        (post(rollback), "read", 403),
        (post("/v1/components/cart/promote"), "read", 403),
        (post("/v1/reload"), "read", 403),
        (post("/v1/reload"), "deploy", 403),
        (post("/v1/drain"), "deploy", 403),
        (post("/v1/reload"), "admin", 200),
        (get("/v1/delivery"), "nobody", 401),
    ] {
        let shown = format!("{} as {role}", request.uri());
        let answer = shop.ask_as(role, request).await;
        assert_eq!(answer.status(), status, "{shown}");
        if status == 403 {
            assert_problem(&answer, 403, None);
            assert!(answer.json()["role"].is_string(), "{shown}");
        }
    }
    let bytes = std::fs::read(guest("version-b")).unwrap();
    let deploy = put("/v1/components/cart/versions/2.0")
        .body(body(bytes))
        .unwrap();
    assert_problem(&shop.ask_as("read", deploy).await, 403, None);
    assert_eq!(shop.gate.get("/cart").await.text(), "a");
}

#[tokio::test]
async fn who_did_it_is_written_down() {
    let shop = Shop::open().await;
    let request = put("/v1/components/cart/versions/2.0?reason=half+price");
    let bytes = std::fs::read(guest("version-b")).unwrap();
    let request = request.body(body(bytes)).unwrap();
    assert_eq!(shop.ask_as("deploy", request).await.status(), 201);
    let history = shop
        .ask_as("read", get("/v1/components/cart/history"))
        .await
        .json();
    let deployed = history.as_array().unwrap().iter();
    let mut deployed = deployed.filter(|record| record["action"] == "deployed");
    let deployed = deployed.next().expect("a record of it");
    assert_eq!(deployed["by"], "deployer");
    assert_eq!(deployed["reason"], "half price");
    let newest = shop
        .ask_as("read", get("/v1/components/cart/history?limit=1"))
        .await;
    assert_eq!(newest.json().as_array().unwrap().len(), 1);
    let calls = shop.gate.audit("kind=admin_call").await;
    assert_eq!(calls[0]["detail"], "201 Created by deployer");
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let shop = Shop::open().await;
    for (name, value, status) in [
        ("host", "evil.test", 421),
        ("origin", "http://evil.test", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        let request = Request::put("/v1/components/cart/traffic").header(name, value);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.body(body("{\"1.0\": 1}")).unwrap();
        let answer = shop.ask_as("admin", request).await;
        assert_problem(&answer, status, None);
        assert!(
            answer
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control-"))
        );
    }
    let origin = format!("http://{}", shop.gate.admin_address());
    let request = Request::get("/v1/delivery").header("origin", origin);
    let answer = shop.ask_as("read", request.body(empty()).unwrap()).await;
    assert_eq!(
        (answer.status(), answer.header("cache-control")),
        (200, "no-store")
    );
}

#[tokio::test]
async fn a_body_must_be_what_it_should_be() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    for media in ["application/json", "text/html", "multipart/form-data"] {
        let request = Request::put("/v1/components/cart/versions/2.0");
        let request = request.header(CONTENT_TYPE, media).body(body("x")).unwrap();
        assert_problem(&shop.ask_as("deploy", request).await, 415, None);
    }
    for (path, media) in [
        ("/v1/components/cart/rollback", "text/plain"),
        (
            "/v1/components/cart/pause",
            "application/x-www-form-urlencoded",
        ),
        ("/v1/reload", "text/plain"),
    ] {
        let request = Request::post(path).header(CONTENT_TYPE, media);
        let request = request.body(body("{}")).unwrap();
        assert_problem(&shop.ask_as("admin", request).await, 415, None);
    }
    for (text, status) in [
        ("{", 400),
        ("{\"why\": 1}", 422),
        ("[]", 422),
        ("{\"reason\": 1}", 422),
    ] {
        let request = Request::post("/v1/components/cart/rollback");
        let request = request.header(CONTENT_TYPE, "application/json");
        let answer = shop
            .ask_as("deploy", request.body(body(text)).unwrap())
            .await;
        assert_problem(&answer, status, None);
    }
    assert_eq!(shop.delivery().await.text(), before.text());
}

#[tokio::test]
async fn what_the_api_can_do_is_described() {
    let shop = Shop::open().await;
    let document = shop.ask_as("read", get("/v1/openapi.json")).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for (path, method) in [
        ("/livez", "get"),
        ("/v1/components/{name}/versions/{version}", "put"),
        ("/v1/components/{name}/rollback", "post"),
        ("/v1/components/{name}/traffic", "put"),
        ("/v1/events", "get"),
    ] {
        assert!(paths[path][method].is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_unix_socket_takes_changes_by_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let _shop = Shop::open_at(&format!("unix:{}", path.display())).await;
    let wasm = std::fs::read(guest("version-b")).unwrap();
    let ask = async |request: String, body: &[u8]| {
        let mut socket = tokio::net::UnixStream::connect(&path).await.unwrap();
        let fields = "host: anything\r\nconnection: close\r\nauthorization: Bearer token-of-deploy";
        let length = body.len();
        let head = format!("{request} HTTP/1.1\r\n{fields}\r\ncontent-length: {length}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket
            .write_all(b"content-type: application/wasm\r\n\r\n")
            .await
            .unwrap();
        socket.write_all(body).await.unwrap();
        let mut answer = String::new();
        within(PATIENCE, "an answer", socket.read_to_string(&mut answer))
            .await
            .unwrap();
        answer
    };
    let deploy = "PUT /v1/components/cart/versions/2.0".to_owned();
    let answer = ask(deploy, &wasm).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let answer = ask("GET /v1/components/cart/delivery".into(), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
