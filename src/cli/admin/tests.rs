//! The client against servers that behave and servers that do not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::credentials::{Credentials, Search};
use super::file::AdminSettings;
use super::*;

/// Whatever is asked, with its head remembered.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(String, HeaderMap)>>>);

impl Seen {
    fn answering(&self, answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Router {
        let seen = self.0.clone();
        Router::new().fallback(async move |request: Request| {
            let line = format!("{} {}", request.method(), request.uri());
            seen.lock().unwrap().push((line, request.headers().clone()));
            answer()
        })
    }

    fn only(&self) -> (String, HeaderMap) {
        let seen = self.0.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

/// A problem document with a status.
fn problem(status: u16, detail: &str) -> Response {
    let mut response = json!({ "detail": detail }).to_string().into_response();
    *response.status_mut() = status.try_into().unwrap();
    response
}

fn client(address: &str, token: Option<&str>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address: address::Address = address.parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let credentials = Credentials::find(&Search {
        flag: None,
        variable: &|name| {
            token
                .map(str::to_owned)
                .filter(|_| name == "AIRGATE_ADMIN_TOKEN")
        },
        settings: &AdminSettings::read(&dir.path().join("routes.toml")),
        address: &address,
        is_of_file: false,
    });
    Client::new(address, credentials.unwrap()).unwrap()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn failure(router: Router) -> Failure {
    let client = client(&serve(router).await, None);
    client.send(Call::get("/v1/delivery")).await.unwrap_err()
}

#[tokio::test]
async fn a_call_is_sent_as_it_was_made_below_the_path_of_a_proxy() {
    let seen = Seen::default();
    let router = seen.answering(|| "[1]".into_response());
    let client = client(&format!("{}/edge/", serve(router).await), Some("secret"));
    let call = Call::put("/v1/components/cart/versions/1.5.0+b")
        .query("reason", Some("a b&c".into()))
        .query("steps", None)
        .if_generation(Some(7));
    let answer = client.send(call).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "[1]"));
    let (line, headers) = seen.only();
    assert_eq!(
        line,
        "PUT /edge/v1/components/cart/versions/1.5.0+b?reason=a+b%26c"
    );
    assert_eq!(headers["authorization"], "Bearer secret");
    assert_eq!(headers["if-match"], "\"7\"");
}

#[tokio::test]
async fn a_unix_socket_is_asked_like_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let seen = Seen::default();
    let router = seen.answering(|| "{}".into_response());
    tokio::spawn(async { axum::serve(listener, router).await });
    let client = client(&format!("unix:{}", path.display()), Some("secret"));
    client.send(Call::get("/v1/delivery")).await.unwrap();
    let (line, headers) = seen.only();
    assert_eq!(line, "GET /v1/delivery");
    assert_eq!(headers["host"], "localhost");
    assert_eq!(headers["authorization"], "Bearer secret");
}

#[tokio::test]
async fn where_nobody_listens_is_unreachable() {
    // Its port is kept from others, and nobody listens there.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    for address in [address.to_string(), "unix:/nonexistent/admin.sock".into()] {
        let call = Call::post("/v1/drain");
        let failure = client(&address, None).send(call).await.unwrap_err();
        assert_eq!(failure.exit_code(), 4, "{failure}");
        assert!(failure.to_string().contains(&address), "{failure}");
        assert!(
            !failure.to_string().contains("may have been made"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let router = Router::new().fallback(async || std::future::pending::<()>().await);
    let client = client(&serve(router).await, None);
    let call = Call::post("/v1/drain").within(Duration::from_millis(100));
    let failure = client.send(call).await.unwrap_err();
    assert_eq!(failure.exit_code(), 4);
    assert!(
        failure.to_string().contains("may have been made"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_refused_token_is_told_with_what_to_do() {
    let seen = Seen::default();
    let failure = failure(seen.answering(|| problem(401, "no"))).await;
    assert_eq!(failure.exit_code(), 1);
    assert!(
        failure.to_string().contains("no token was found"),
        "{failure}"
    );
    assert!(failure.to_string().contains("--token-file"), "{failure}");
}

#[tokio::test]
async fn the_token_does_not_follow_a_redirect() {
    let seen = Seen::default();
    let router = seen.answering(|| {
        let mut response = problem(307, "elsewhere");
        let there = "http://127.0.0.1:1/".try_into().unwrap();
        response.headers_mut().insert("location", there);
        response
    });
    assert_eq!(failure(router).await.status(), Some(307));
}

#[tokio::test]
async fn what_is_no_admin_api_is_told_apart() {
    let seen = Seen::default();
    for body in ["<html>", "", "ok\n"] {
        let failure = failure(seen.answering(move || body.into_response())).await;
        assert!(matches!(failure, Failure::Foreign(_)), "{failure}");
        assert_eq!(failure.exit_code(), 1);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let piece = || Ok::<_, std::convert::Infallible>(vec![b' '; 1 << 20]);
    let seen = Seen::default();
    let router = seen.answering(move || {
        let endless = futures_util::stream::repeat_with(piece);
        axum::body::Body::from_stream(endless).into_response()
    });
    let failure = failure(router).await;
    assert!(failure.to_string().contains("more than 64MiB"), "{failure}");
}

#[tokio::test]
async fn a_stream_that_broke_is_opened_again_behind_its_last_event() {
    let seen = Seen::default();
    let router = seen.answering(|| {
        let event = json!({ "id": 5, "at": "0", "kind": "paused", "component": "cart" });
        format!("id: 5\nevent: paused\ndata: {event}\n\nid: 6\ndata: {{\n\n: x\n\nid: 7\nda")
            .into_response()
    });
    let client = client(&serve(router).await, None);
    let mut stream = EventStream::new(&client, Some(4));
    let mut opened = 0;
    while opened < 2 {
        match stream.next().await.unwrap() {
            Happening::Opened => opened += 1,
            Happening::Event(event, text) => {
                assert_eq!((event.id, event.kind.as_str()), (5, "paused"));
                assert!(text.starts_with('{'));
            }
            other => panic!("{other:?}"),
        }
    }
    let seen = seen.0.lock().unwrap();
    let ids: Vec<_> = seen
        .iter()
        .map(|(_, headers)| headers["last-event-id"].clone())
        .collect();
    assert_eq!(ids, ["4", "6"]);
}
