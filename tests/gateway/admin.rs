//! The admin API.

use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Answer, Connection, Gate, Setup, empty, get, guest};

async fn without_token(gate: &Gate, path: &str) -> Answer {
    Connection::http1(gate.admin_address())
        .await
        .get(path)
        .await
        .whole()
}

#[tokio::test]
async fn health_needs_no_token_and_everything_else_does() {
    let gate = Gate::serving(["hello"]).start().await;
    for path in ["/livez", "/readyz"] {
        let answer = without_token(&gate, path).await;
        assert_eq!((answer.status(), answer.text()), (200, "ok\n"), "{path}");
    }
    for path in [
        "/metrics",
        "/v1/routes",
        "/v1/components",
        "/v1/components/hello",
    ] {
        let answer = without_token(&gate, path).await;
        assert_eq!(
            (answer.status(), answer.header("www-authenticate")),
            (401, "Bearer"),
            "{path}"
        );
        assert_eq!(answer.json()["status"], 401);
        assert_eq!(gate.admin(get(path)).await.status(), 200, "{path}");
    }
    for path in ["/v1/reload", "/v1/drain"] {
        let request = Request::post(path)
            .header("authorization", "Bearer wrong")
            .body(empty());
        let mut client = Connection::http1(gate.admin_address()).await;
        assert_eq!(client.ask(request.unwrap()).await.status(), 401, "{path}");
    }
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let gate = Gate::serving(["hello"]).start().await;
    for (request, status) in [
        (get("/v1/nothing"), 404),
        (get("/v1/components/nobody"), 404),
        (get("/v1/components/%2e%2e"), 404),
        (Request::delete("/v1/routes").body(empty()).unwrap(), 405),
        (get("/v1/reload"), 405),
    ] {
        let shown = request.uri().to_string();
        let answer = gate.admin(request).await.whole();
        assert_eq!(answer.status(), status, "{shown}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{shown}"
        );
        assert_eq!(answer.json()["status"], status);
    }
}

#[tokio::test]
async fn components_show_their_versions_limits_and_instances() {
    let gate = Setup::default()
        .guest_with(
            "counter",
            "version = \"1.0.0\"\ninstances = { reuse = 5 }\nlimits = { memory = \"32MiB\" }",
        )
        .start()
        .await;
    gate.get("/counter").await;
    gate.at_rest().await;
    let one = gate.admin(get("/v1/components/counter")).await.json();
    assert_eq!(one["name"], "counter");
    assert_eq!(one["limits"]["memory"], "32MiB");
    assert_eq!(one["instances"]["reuse"], 5);
    let version = &one["versions"][0];
    assert_eq!(
        (&version["name"], &version["weight"]),
        (&"1.0.0".into(), &1.into())
    );
    assert!(version["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(version["instances"]["busy"], 0);
    let all = gate.admin(get("/v1/components")).await.json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["name"], "counter");
}

#[tokio::test]
async fn routes_show_what_they_match_and_where_they_lead() {
    let gate = Gate::serving(["hello"])
        .route("name = \"old\"\npath = \"/old/{id}\"\nhosts = [\"*.example.com\"]\nmethods = [\"GET\"]\nrespond = { status = 410 }")
        .start()
        .await;
    let routes = gate.admin(get("/v1/routes")).await.json();
    assert_eq!(routes[0]["prefix"], "/hello");
    assert_eq!(routes[0]["target"]["component"], "hello");
    assert_eq!(
        (&routes[1]["name"], &routes[1]["path"]),
        (&"old".into(), &"/old/{id}".into())
    );
    assert_eq!(routes[1]["hosts"][0], "*.example.com");
    assert_eq!(routes[1]["methods"][0], "GET");
    assert_eq!(routes[1]["target"]["respond"], 410);
}

#[tokio::test]
async fn metrics_count_requests_by_route_method_and_status() {
    let gate = Gate::serving(["hello"]).start().await;
    for _ in 0..3 {
        gate.get("/hello/some/path?secret=1").await;
    }
    gate.http2().await.get("/hello").await;
    gate.at_rest().await;
    let metrics = gate.metrics().await;
    let count = "http_server_request_duration_seconds_count";
    let labels = [
        ("http_route", "/hello"),
        ("http_request_method", "GET"),
        ("http_response_status_code", "200"),
    ];
    assert_eq!(metrics.sum(count, &labels), 4.0);
    assert_eq!(
        metrics.sum(count, &[("network_protocol_version", "2")]),
        1.0
    );
    for name in [
        "airgate_build_info",
        "process_resident_memory_bytes",
        "airgate_traffic_weight",
        "airgate_guest_cpu_seconds_count",
    ] {
        assert!(metrics.count(name, &[]) >= 1, "{name}");
    }
    assert_eq!(
        metrics.sum("airgate_guest_requests_total", &[("outcome", "ok")]),
        4.0
    );
    assert!(!gate.admin(get("/metrics")).await.text().contains("secret"));
}

#[tokio::test]
async fn a_configured_token_is_the_one_that_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "from-a-file\n").unwrap();
    let admin = format!("listen = \"127.0.0.1:0\"\ntoken = {{ file = {file:?} }}");
    let gate = Gate::serving(["hello"]).admin(&admin).start().await;
    let ask = async |token: &str| {
        let request = Request::get("/metrics").header("authorization", format!("Bearer {token}"));
        let mut client = Connection::http1(gate.admin_address()).await;
        client.ask(request.body(empty()).unwrap()).await.status()
    };
    assert_eq!(ask("from-a-file").await, 200);
    assert_eq!(ask("a-token-for-tests").await, 401);
}

#[tokio::test]
async fn a_token_is_made_where_there_is_none_and_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = tempfile::tempdir().unwrap();
    let gate = Gate::serving(["hello"]).state(state.path()).start().await;
    assert_eq!(gate.admin(get("/metrics")).await.status(), 200);
    let mode = std::fs::metadata(state.path().join("admin.token"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn it_listens_on_a_unix_socket_of_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    for _ in 0..2 {
        // The second start finds the socket of the first, which was killed.
        let admin = format!("listen = \"unix:{}\"", path.display());
        let _gate = Setup::default()
            .component("hello", &guest("hello"), "")
            .admin(&admin)
            .start()
            .await;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut socket = tokio::net::UnixStream::connect(&path).await.unwrap();
        socket
            .write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
