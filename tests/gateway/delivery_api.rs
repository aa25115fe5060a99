//! The admin API where it changes versions and traffic: who may, what is refused and how, and
//! what watchers are told.

use std::path::Path;
use std::time::Duration;

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use http::request::Builder;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{
    Answer, Connection, Gate, Raw, RequestBody, Setup, body, empty, get, guest, within, write_token,
};

/// Bytes of the largest component that is taken.
const ARTIFACT_LIMIT: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// A gate with one component, `cart`, of which version 1.0 answers "a", and with tokens named
/// after their roles. Its state is its own.
struct Shop {
    gate: Gate,
    _state: TempDir,
}

impl Shop {
    async fn open() -> Self {
        Self::open_at("127.0.0.1:0").await
    }

    async fn open_at(listen: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        write_token(state.path());
        let mut admin = format!("listen = {listen:?}\n");
        for role in ["read", "deploy", "admin"] {
            admin += &named_token(state.path(), role);
        }
        let setup = Setup::default().state(state.path()).admin(&admin);
        let setup = setup.component("cart", &guest("version-a"), "version = \"1.0\"");
        let route = "prefix = \"/cart\"\ncomponent = \"cart\"";
        Self {
            gate: setup.route(route).start().await,
            _state: state,
        }
    }

    /// Asks with the token of a role.
    async fn ask_as(&self, role: &str, mut request: Request<RequestBody>) -> Answer {
        let bearer = format!("Bearer token-of-{role}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let mut client = Connection::http1(self.gate.admin_address()).await;
        client.ask(request).await.whole()
    }

    async fn deploy(&self, version: &str, fixture: &str) -> Answer {
        let request = put(&format!("/v1/components/cart/versions/{version}"));
        let bytes = std::fs::read(guest(fixture)).unwrap();
        self.ask_as("deploy", request.body(body(bytes)).unwrap())
            .await
    }

    async fn set_traffic(&self, weights: Value, tag: Option<&str>) -> Answer {
        let mut request = Request::put("/v1/components/cart/traffic");
        request = request.header(CONTENT_TYPE, "application/json");
        if let Some(tag) = tag {
            request = request.header(IF_MATCH, tag);
        }
        let request = request.body(body(weights.to_string())).unwrap();
        self.ask_as("deploy", request).await
    }

    async fn delivery(&self) -> Answer {
        let answer = self
            .ask_as("read", get("/v1/components/cart/delivery"))
            .await;
        assert_eq!(answer.status(), 200);
        answer
    }

    /// The head of an upload with these fields, for a bare socket.
    fn upload_head(&self, fields: &str) -> String {
        let address = self.gate.admin_address();
        format!(
            "PUT /v1/components/cart/versions/2.0 HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer token-of-deploy\r\ncontent-type: application/wasm\r\n{fields}\r\n\r\n"
        )
    }

    async fn raw(&self) -> Raw {
        Raw::connect(self.gate.admin_address()).await
    }

    async fn events(&self, head: Builder) -> EventStream {
        let request = head.header(AUTHORIZATION, "Bearer token-of-read");
        let mut client = Connection::http1(self.gate.admin_address()).await;
        let response = client.send(request.body(empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        EventStream {
            body: response.into_body(),
            text: String::new(),
            _client: client,
        }
    }
}

fn named_token(state: &Path, role: &str) -> String {
    let file = state.join(format!("{role}.token"));
    std::fs::write(&file, format!("token-of-{role}")).unwrap();
    format!(
        "[[admin.tokens]]\nname = \"{role}er\"\nrole = {role:?}\ntoken = {{ file = {file:?} }}\n"
    )
}

fn put(path: &str) -> Builder {
    Request::put(path).header(CONTENT_TYPE, "application/wasm")
}

fn post(path: &str) -> Request<RequestBody> {
    Request::post(path).body(empty()).unwrap()
}

fn assert_problem(answer: &Answer, status: u16, field: Option<&str>) {
    let shown = answer.text();
    assert_eq!(answer.status(), status, "{shown}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{shown}");
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{shown}");
    assert_eq!(problem["field"].as_str(), field, "{shown}");
}

/// Server-sent events.
struct EventStream {
    body: hyper::body::Incoming,
    text: String,
    _client: Connection,
}

/// One of them.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl EventStream {
    /// `None`: the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.split_once(": "));
                    let mut found = lines.filter(|(field, _)| *field == name);
                    found.next().map(|(_, value)| value.to_owned())
                };
                let (id, name, data) = (field("id"), field("event"), field("data"));
                self.text = rest.to_owned();
                // Comments keep the connection.
                let Some(data) = data else { continue };
                return Some(Event {
                    id: id.unwrap_or_default(),
                    name: name.unwrap_or_default(),
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
            let frame = within(PATIENCE, "an event", self.body.frame()).await?;
            let data = frame.ok()?.into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    async fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}

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

#[tokio::test]
async fn two_operators_cannot_overwrite_each_other() {
    let shop = Shop::open().await;
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    // Both have seen the same.
    let (mine, yours) = (shop.delivery().await, shop.delivery().await);
    let (mine, yours) = (mine.header("etag"), yours.header("etag"));
    assert_eq!(mine, yours);
    let first = shop
        .set_traffic(json!({ "1.0": 9, "2.0": 1 }), Some(mine))
        .await;
    assert_eq!(first.status(), 200, "{}", first.text());
    let second = shop
        .set_traffic(json!({ "1.0": 1, "2.0": 9 }), Some(yours))
        .await;
    assert_problem(&second, 412, None);
    let now = shop.delivery().await;
    assert_eq!(second.json()["generation"], now.json()["generation"]);
    assert_eq!(now.json()["traffic"], json!({ "1.0": 9, "2.0": 1 }));
    let anyway = shop
        .set_traffic(json!({ "1.0": 1, "2.0": 9 }), Some("*"))
        .await;
    assert_eq!(anyway.status(), 200);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let shop = Shop::open().await;
    let tag = shop.delivery().await.headers[ETAG].clone();
    let ask = async || {
        let request = Request::get("/v1/components/cart/delivery");
        let request = request.header("if-none-match", &tag);
        shop.ask_as("read", request.body(empty()).unwrap()).await
    };
    let known = ask().await;
    assert_eq!((known.status(), known.text()), (304, ""));
    assert_eq!(known.headers[ETAG], tag);
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    assert_eq!(ask().await.status(), 200);
}

#[tokio::test]
async fn weights_that_mean_nothing_are_refused_by_name() {
    let shop = Shop::open().await;
    let before = shop.delivery().await;
    for (weights, field) in [
        (json!({ "1.0": 0 }), "traffic"),
        (json!({}), "traffic"),
        (json!({ "1.0": 1, "9.9": 1 }), "9.9"),
        (json!({ "1.0": -1 }), "1.0"),
        (json!({ "1.0": 4_294_967_296_u64 }), "1.0"),
        (json!({ "1.0": "all" }), "1.0"),
    ] {
        let answer = shop.set_traffic(weights, None).await;
        assert_problem(&answer, 422, Some(field));
    }
    assert_problem(&shop.set_traffic(json!([1]), None).await, 422, None);
    assert_eq!(shop.delivery().await.text(), before.text());
}

#[tokio::test]
async fn a_watcher_that_comes_back_hears_what_it_missed() {
    let shop = Shop::open().await;
    let mut watcher = shop.events(Request::get("/v1/events")).await;
    assert_eq!(shop.deploy("2.0", "version-b").await.status(), 201);
    let deployed = watcher.until("deployed").await;
    assert_eq!(deployed.data["component"], "cart");
    assert_eq!(deployed.data["by"], "deployer");
    assert_eq!(deployed.data["id"].to_string(), deployed.id);
    drop(watcher);
    let set = shop.set_traffic(json!({ "1.0": 1 }), None).await;
    assert_eq!(set.status(), 200);
    let back = Request::get("/v1/events?after=0").header("last-event-id", &deployed.id);
    let mut back = shop.events(back).await;
    let mut last: u64 = deployed.id.parse().unwrap();
    loop {
        let event = back.next().await.expect("more events");
        last += 1;
        assert_eq!(
            event.id,
            last.to_string(),
            "none is missing, and none is there twice"
        );
        if event.name == "traffic" {
            assert_eq!(event.data["status"]["traffic"], json!({ "1.0": 1 }));
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_node() {
    let shop = Shop::open().await;
    let mut watcher = shop.events(Request::get("/v1/events")).await;
    assert_eq!(shop.ask_as("admin", post("/v1/drain")).await.status(), 202);
    while watcher.next().await.is_some() {}
}

#[tokio::test]
async fn watchers_are_bounded() {
    let shop = Shop::open().await;
    let mut watchers = Vec::new();
    for _ in 0..64 {
        watchers.push(shop.events(Request::get("/v1/events")).await);
    }
    let full = shop.ask_as("read", get("/v1/events")).await;
    assert_problem(&full, 503, None);
    assert!(!full.header("retry-after").is_empty());
    // Others still get through.
    assert_eq!(shop.delivery().await.status(), 200);
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
    let put = "PUT /v1/components/cart/versions/2.0".to_owned();
    let answer = ask(put, &wasm).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let answer = ask("GET /v1/components/cart/delivery".into(), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
