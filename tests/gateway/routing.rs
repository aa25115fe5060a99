//! Which route answers, and what it does to request and response.

use http::{Method, Request};

use crate::support::{Answer, Gate, Setup, body, empty};

/// A route that answers with `text`.
fn fixed(conditions: &str, text: &str) -> String {
    format!("{conditions}\nrespond = {{ body = {text:?} }}")
}

fn request(method: Method, host: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
}

async fn ask(gate: &Gate, request: http::request::Builder) -> Answer {
    gate.ask(request.body(empty()).unwrap()).await.whole()
}

#[tokio::test]
async fn exact_hosts_go_before_wildcards_and_wildcards_before_any() {
    let gate = Setup::default()
        .route(&fixed("path = \"/\"", "any"))
        .route(&fixed(
            "path = \"/\"\nhosts = [\"*.example.com\"]",
            "wildcard",
        ))
        .route(&fixed(
            "path = \"/\"\nhosts = [\"*.eu.example.com\"]",
            "longer",
        ))
        .route(&fixed(
            "path = \"/\"\nhosts = [\"shop.example.com\"]",
            "exact",
        ))
        .start()
        .await;
    for (host, text) in [
        ("shop.example.com", "exact"),
        ("SHOP.example.com:8080", "exact"),
        ("other.example.com", "wildcard"),
        ("a.eu.example.com", "longer"),
        ("example.com", "any"),
        ("localhost", "any"),
    ] {
        let answer = ask(&gate, request(Method::GET, host, "/")).await;
        assert_eq!(answer.text(), text, "{host}");
    }
}

#[tokio::test]
async fn exact_paths_go_before_patterns_and_patterns_before_the_longest_prefix() {
    let gate = Setup::default()
        .route(&fixed("prefix = \"/\"", "root"))
        .route(&fixed("prefix = \"/api\"", "short"))
        .route(&fixed("prefix = \"/api/v1\"", "long"))
        .route(&fixed("path = \"/api/{id}\"", "pattern"))
        .route(&fixed("path = \"/api/cart\"", "exact"))
        .start()
        .await;
    for (path, text) in [
        ("/api/cart", "exact"),
        ("/api/x/../cart", "exact"),
        ("/api/%63art", "exact"),
        ("/api/7", "pattern"),
        ("/api/v1/7", "long"),
        ("/api/7/8", "short"),
        ("/api", "short"),
        ("/apis", "root"),
        ("/", "root"),
    ] {
        let answer = ask(&gate, request(Method::GET, "a", path)).await;
        assert_eq!(answer.text(), text, "{path}");
    }
}

#[tokio::test]
async fn more_header_conditions_win_and_then_the_order_of_the_file() {
    let gate = Setup::default()
        .route(&fixed("path = \"/\"", "none"))
        .route(&fixed("path = \"/\"\nheaders = { x-v = \"2\" }", "one"))
        .route(&fixed(
            "path = \"/\"\nheaders = { x-v = \"2\", x-w = \"1\" }",
            "two",
        ))
        .route(&fixed("path = \"/\"\nheaders = { x-u = \"3\" }", "later"))
        .start()
        .await;
    for (fields, text) in [
        (&[][..], "none"),
        (&[("x-v", "1")], "none"),
        (&[("x-v", "2")], "one"),
        (&[("x-w", "1"), ("x-v", "2")], "two"),
        (&[("x-v", "2"), ("x-u", "3")], "one"),
    ] {
        let mut request = request(Method::GET, "a", "/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        assert_eq!(ask(&gate, request).await.text(), text, "{fields:?}");
    }
}

#[tokio::test]
async fn a_path_of_another_method_is_405_with_allow() {
    let gate = Setup::default()
        .route(&fixed(
            "path = \"/\"\nmethods = [\"GET\", \"POST\"]",
            "read",
        ))
        .route(&fixed("path = \"/\"\nmethods = [\"PUT\"]", "put"))
        .start()
        .await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
        let answer = ask(&gate, request(method.clone(), "a", "/")).await;
        assert_eq!(answer.status(), 200, "{method}");
    }
    let answer = ask(&gate, request(Method::DELETE, "a", "/")).await;
    assert_eq!(answer.status(), 405);
    let mut allow: Vec<&str> = answer.header("allow").split(", ").collect();
    allow.sort_unstable();
    assert_eq!(allow, ["GET", "HEAD", "POST", "PUT"]);
}

#[tokio::test]
async fn a_path_without_a_route_is_404() {
    let gate = Gate::serving(["hello"]).start().await;
    let answer = gate.get("/nowhere").await;
    assert_eq!((answer.status(), answer.header("proxy-status")), (404, ""));
    assert_eq!(gate.get("/hellos").await.status(), 404);
}

#[tokio::test]
async fn respond_routes_answer_without_a_component() {
    let gate = Setup::default()
        .route("path = \"/old\"\nrespond = { status = 301, headers = { location = \"/new\" } }")
        .route(&fixed("path = \"/text\"", "text"))
        .start()
        .await;
    let answer = gate.get("/old").await.whole();
    assert_eq!((answer.status(), answer.header("location")), (301, "/new"));
    let answer = gate.post("/text", "ignored").await.whole();
    assert_eq!((answer.status(), answer.text()), (200, "text"));
    assert_eq!(answer.header("content-length"), "4");
}

#[tokio::test]
async fn strip_prefix_changes_what_the_guest_sees() {
    let gate = Setup::default()
        .component("echo", &crate::support::guest("echo"), "")
        .route("prefix = \"/api\"\ncomponent = \"echo\"\nstrip_prefix = \"/api\"")
        .start()
        .await;
    for (path, seen) in [
        ("/api", "/"),
        ("/api?q=1", "/?q=1"),
        ("/api/cart/7?q=%2F", "/cart/7?q=%2F"),
        ("/api//x", "//x"),
        ("/x/../api/y", "/y"),
    ] {
        let answer = gate.get(path).await.whole();
        assert_eq!(answer.header("x-path"), seen, "{path}");
    }
}

#[tokio::test]
async fn header_edits_apply_before_the_guest_and_before_the_client() {
    let gate = Setup::default()
        .component("echo", &crate::support::guest("echo"), "")
        .route(concat!(
            "prefix = \"/\"\ncomponent = \"echo\"\n",
            "request_headers = { set = { x-edge = \"1\" }, remove = [\"x-secret\"] }\n",
            "response_headers = { set = { cache-control = \"no-store\" }, remove = [\"x-method\"] }",
        ))
        .start()
        .await;
    let request = request(Method::GET, "a", "/")
        .header("x-edge", "forged")
        .header("x-secret", "s");
    let answer = ask(&gate, request).await;
    let seen: Vec<_> = answer.headers.get_all("x-req-x-edge").iter().collect();
    assert_eq!(seen, ["1"]);
    assert_eq!(answer.header("x-req-x-secret"), "");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-method"), "");
}

#[tokio::test]
async fn a_stranger_cannot_say_where_it_comes_from() {
    let gate = Gate::serving(["echo"]).start().await;
    let request = request(Method::GET, "shop.example.com", "/echo")
        .header("x-forwarded-for", "9.9.9.9")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example.com");
    let answer = ask(&gate, request).await;
    assert_eq!(answer.header("x-req-x-forwarded-for"), "127.0.0.1");
    assert_eq!(answer.header("x-req-x-forwarded-proto"), "http");
    assert_eq!(answer.header("x-req-x-forwarded-host"), "");
    assert_eq!(answer.header("x-scheme"), "http");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let gate = Gate::serving(["echo"])
        .server("trusted_proxies = [\"127.0.0.0/8\"]")
        .start()
        .await;
    let request = request(Method::GET, "shop.example.com", "/echo")
        .header("x-forwarded-for", "9.9.9.9")
        .header("x-forwarded-proto", "https");
    let answer = ask(&gate, request).await;
    assert_eq!(answer.header("x-req-x-forwarded-for"), "9.9.9.9, 127.0.0.1");
    assert_eq!(answer.header("x-req-x-forwarded-proto"), "https");
    assert_eq!(answer.header("x-scheme"), "https");
}

#[tokio::test]
async fn fields_of_one_connection_go_no_further() {
    let gate = Gate::serving(["echo"]).start().await;
    let mut client = gate.raw().await;
    let answer = client
        .ask("GET /echo HTTP/1.1\r\nhost: a\r\nconnection: close, x-hop\r\nx-hop: 1\r\nx-stay: 1\r\n\r\n")
        .await;
    assert!(answer.contains("x-req-x-stay: 1"), "{answer}");
    assert!(!answer.contains("x-req-x-hop"), "{answer}");
}

#[tokio::test]
async fn traffic_is_split_exactly_to_the_weights() {
    let [a, b] = ["version-a", "version-b"].map(crate::support::guest);
    let gate = Setup::default()
        .lines(&format!(
            concat!(
                "[component.both.traffic]\na = 90\nb = 10\n",
                "[[component.both.versions]]\nname = \"a\"\nsource = {:?}\n",
                "[[component.both.versions]]\nname = \"b\"\nsource = {:?}",
            ),
            a, b
        ))
        .route("path = \"/\"\ncomponent = \"both\"")
        .start()
        .await;
    let mut client = gate.http1().await;
    let mut to_b = 0;
    for _ in 0..1_000 {
        let answer = client.get("/").await.whole();
        to_b += usize::from(answer.text() == "b");
    }
    assert_eq!(to_b, 100);
    let metrics = gate.metrics().await;
    for (version, count) in [("a", 900.0), ("b", 100.0)] {
        let labels = [
            ("component", "both"),
            ("version", version),
            ("outcome", "ok"),
        ];
        assert_eq!(metrics.sum("airgate_guest_requests_total", &labels), count);
    }
}

#[tokio::test]
async fn a_post_body_reaches_a_respond_route_and_the_connection_lives_on() {
    let gate = Setup::default()
        .route(&fixed("path = \"/\"", "ok"))
        .start()
        .await;
    let mut client = gate.http2().await;
    for _ in 0..5 {
        let request = Request::post("/").body(body(vec![b'x'; 100_000])).unwrap();
        assert_eq!(client.ask(request).await.whole().text(), "ok");
    }
}
