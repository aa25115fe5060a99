//! Components answer, whatever the protocol.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version};
use http_body::Frame;
use http_body_util::BodyExt as _;
use std::time::{Duration, Instant};

use crate::support::{
    Answer, Connection, Gate, Raw, Setup, body, empty, eventually, get, streamed, within,
};

const BOTH: [&str; 2] = ["hello", "hello-p3"];
const ECHOES: [&str; 2] = ["echo", "echo-p3"];

/// Each guest, with more processor time than even a slow machine needs for what it moves.
fn with_much_cpu(guests: [&str; 2]) -> Setup {
    let add = |setup: Setup, guest| setup.guest_with(guest, "limits = { cpu = \"5s\" }");
    guests.into_iter().fold(Setup::default(), add)
}

async fn both_protocols(gate: &Gate) -> [Connection; 2] {
    [gate.http1().await, gate.http2().await]
}

#[tokio::test]
async fn components_of_both_versions_answer_over_http1_and_h2c() {
    let gate = Gate::serving(BOTH).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in BOTH {
            let answer = client.get(&format!("/{guest}")).await.whole();
            assert_eq!((answer.status(), answer.text()), (200, "hello world\n"));
            assert_eq!(answer.header("content-type"), "text/plain");
        }
    }
}

#[tokio::test]
async fn a_guest_sees_the_request_as_the_client_sent_it() {
    let gate = Gate::serving(ECHOES).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in ECHOES {
            let request = Request::put(format!("/{guest}/a%2Fb?q=1&r=%20"))
                .header("x-one", "1")
                .header("x-many", "a")
                .header("x-many", "b")
                .body(body("payload"));
            let answer = client.ask(request.unwrap()).await.whole();
            assert_eq!((answer.status(), answer.text()), (200, "payload"));
            assert_eq!(answer.header("x-method"), "PUT");
            assert_eq!(answer.header("x-path"), format!("/{guest}/a%2Fb?q=1&r=%20"));
            assert_eq!(answer.header("x-scheme"), "http");
            assert_eq!(answer.header("x-authority"), gate.address().to_string());
            assert_eq!(answer.header("x-req-x-one"), "1");
            let many: Vec<_> = answer.headers.get_all("x-req-x-many").iter().collect();
            assert_eq!(many, ["a", "b"]);
        }
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_at_the_same_time() {
    let gate = Gate::serving(ECHOES).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in ECHOES {
            let (frames, body) = streamed();
            let request = Request::post(format!("/{guest}")).body(body).unwrap();
            let mut response = client.send(request).await.unwrap();
            for piece in ["one", "two", "three"] {
                frames.send(Frame::data(piece.into())).await.unwrap();
                let frame = response.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), piece);
            }
            drop(frames);
            assert!(Answer::read(response).await.whole().body.is_empty());
        }
    }
}

#[tokio::test]
async fn a_large_body_comes_back_unchanged() {
    let gate = with_much_cpu(ECHOES).start().await;
    let sent: Bytes = (0..8 << 20)
        .map(|i: u32| (i % 251) as u8)
        .collect::<Vec<_>>()
        .into();
    for mut client in both_protocols(&gate).await {
        for guest in ECHOES {
            let request = Request::post(format!("/{guest}")).body(body(sent.clone()));
            let answer = client.ask(request.unwrap()).await.whole();
            assert!(answer.body == sent, "{} bytes", answer.body.len());
        }
    }
}

#[tokio::test]
async fn chunks_are_passed_on_as_they_come() {
    let gate = Gate::serving(["stream", "stream-p3"]).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in ["stream", "stream-p3"] {
            let began = Instant::now();
            let path = format!("/{guest}?chunks=3&delay_ms=1000&size=10");
            let mut response = client.send(get(&path)).await.unwrap();
            let first = response.frame().await.unwrap().unwrap();
            assert_eq!(first.into_data().unwrap(), "a".repeat(10));
            assert!(began.elapsed() < Duration::from_secs(1), "{guest}");
            let rest = Answer::read(response).await.whole();
            assert_eq!(rest.text(), "b".repeat(10) + &"c".repeat(10));
            assert!(began.elapsed() >= Duration::from_millis(1_900));
        }
    }
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let gate = Gate::serving(ECHOES).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in ECHOES {
            let (frames, body) = streamed();
            let request = Request::post(format!("/{guest}"))
                .header("te", "trailers")
                .header("trailer", "x-sum");
            let send = client.send(request.body(body).unwrap());
            let mut trailers = HeaderMap::new();
            trailers.insert(
                HeaderName::from_static("x-sum"),
                HeaderValue::from_static("42"),
            );
            let feed = async {
                frames.send(Frame::data("data".into())).await.unwrap();
                frames.send(Frame::trailers(trailers)).await.unwrap();
                drop(frames);
            };
            let (response, ()) = tokio::join!(send, feed);
            let answer = Answer::read(response.unwrap()).await.whole();
            assert_eq!(answer.text(), "data");
            let trailers = answer
                .trailers
                .unwrap_or_else(|| panic!("{guest}: no trailers"));
            assert_eq!(trailers["x-sum"], "42");
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_guest_and_costs_no_memory() {
    let gate = Gate::serving(["endless", "endless-p3"]).start().await;
    gate.get("/hello").await;
    let before = gate.resident();
    let mut clients = Vec::new();
    for guest in ["endless", "endless-p3"] {
        for _ in 0..8 {
            let mut client = Raw::with_small_buffer(gate.address()).await;
            client
                .send(format!("GET /{guest} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .await;
            assert!(client.head().await.starts_with("HTTP/1.1 200"));
            clients.push(client);
        }
    }
    let cpu = || async { gate.metrics().await.sum("process_cpu_seconds_total", &[]) };
    let mut last = cpu().await;
    // To ask costs something too; guests that go on would take all that there is.
    eventually("the guests stand still", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = cpu().await;
        now - std::mem::replace(&mut last, now) < 0.2
    })
    .await;
    let grown = gate.resident().saturating_sub(before) >> 20;
    assert!(grown < 64, "{grown} MiB for 16 clients");
    drop(clients);
    gate.at_rest().await;
}

#[tokio::test]
async fn an_endless_body_flows_on_while_the_client_reads() {
    let gate = with_much_cpu(["endless", "endless-p3"]).start().await;
    for mut client in both_protocols(&gate).await {
        for guest in ["endless", "endless-p3"] {
            let mut response = client.send(get(&format!("/{guest}"))).await.unwrap();
            let mut read = 0;
            while read < 20 << 20 {
                let frame = within(Duration::from_secs(20), "bytes", response.frame()).await;
                read += frame.unwrap().unwrap().into_data().unwrap().len();
            }
            if response.version() == Version::HTTP_11 {
                client = gate.http1().await;
            }
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn head_has_the_fields_of_get_and_no_body() {
    let gate = Gate::serving(["head-only", "hello"])
        .route("path = \"/fixed\"\nrespond = { body = \"fixed\" }")
        .start()
        .await;
    for mut client in both_protocols(&gate).await {
        for path in ["/head-only", "/fixed", "/hello"] {
            let request = Request::head(path).body(empty()).unwrap();
            let answer = client.ask(request).await.whole();
            assert_eq!((answer.status(), answer.body.len()), (200, 0), "{path}");
            if path != "/hello" {
                assert_eq!(answer.header("content-length"), "5", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it_before_its_body() {
    let gate = Gate::serving(["read-all"]).start().await;
    let mut client = gate.raw().await;
    client
        .send("POST /read-all HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n")
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 100"));
    let answer = client.ask("body").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\r\n4"), "{answer}");
}

#[tokio::test]
async fn a_refused_body_is_refused_instead_of_100_continue() {
    let gate = Gate::serving([])
        .guest_with("echo", "limits = { max_request_body = \"3\" }")
        .start()
        .await;
    let mut client = gate.raw().await;
    let answer = client
        .ask("POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let gate = Gate::serving(["hello", "echo"]).start().await;
    let mut client = gate.http1().await;
    for _ in 0..50 {
        assert_eq!(client.get("/hello").await.text(), "hello world\n");
        let request = Request::post("/echo").body(body("x")).unwrap();
        assert_eq!(client.ask(request).await.text(), "x");
    }
    assert_eq!(gate.connections().await, 1.0);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let gate = Gate::serving(["echo", "sleep"]).start().await;
    let mut client = gate.raw().await;
    let answers = client
        .ask(concat!(
            "GET /sleep?ms=100 HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST /echo/second HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\ntwo",
            "GET /echo/third HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        ))
        .await;
    let places = ["slept", "/echo/second", "two", "/echo/third"].map(|part| answers.find(part));
    assert!(places.iter().all(Option::is_some), "{answers}");
    assert!(places.is_sorted(), "{answers}");
}

#[tokio::test]
async fn streams_of_one_http2_connection_do_not_wait_for_each_other() {
    let gate = Gate::serving(["hello"])
        .guest_with("sleep", "limits = { timeout = \"60s\" }")
        .start()
        .await;
    let mut client = gate.http2().await;
    let mut stream = client.streams();
    let began = Instant::now();
    let slow = tokio::spawn(async move { stream.get("/sleep?ms=5000").await });
    for _ in 0..20 {
        assert_eq!(client.get("/hello").await.status(), 200);
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(slow.await.unwrap().status(), 200);
}

#[tokio::test]
async fn every_final_status_of_a_guest_passes() {
    let gate = Gate::serving(["status"]).start().await;
    for mut client in both_protocols(&gate).await {
        for code in [200, 201, 204, 205, 301, 304, 404, 418, 451, 500, 503, 599] {
            let answer = client.get(&format!("/status?code={code}")).await.whole();
            assert_eq!((answer.status(), answer.body.len()), (code, 0));
        }
    }
}

#[tokio::test]
async fn an_unread_request_body_harms_nothing() {
    let gate = Gate::serving(["ignore-body", "hello"]).start().await;
    for mut client in both_protocols(&gate).await {
        let request = Request::post("/ignore-body").body(body(vec![b'x'; 30_000]));
        let answer = client.ask(request.unwrap()).await.whole();
        assert_eq!((answer.status(), answer.text()), (200, "ignored"));
        let mut next = gate.http1().await;
        assert_eq!(next.get("/hello").await.status(), 200);
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_guest_cannot_forge_framing() {
    let gate = Gate::serving(["header-injection"]).start().await;
    for mut client in both_protocols(&gate).await {
        let answer = client.get("/header-injection").await.whole();
        assert_eq!(answer.status(), 200);
        assert!(!answer.text().contains(": ok"), "{}", answer.text());
        assert!(!answer.headers.contains_key("x-smuggled"));
    }
}

#[tokio::test]
async fn a_status_that_is_not_final_is_a_fault() {
    let gate = Gate::serving(["status"]).start().await;
    for mut client in both_protocols(&gate).await {
        for code in [0, 100, 101, 103, 199, 600, 999] {
            let answer = client.get(&format!("/status?code={code}")).await.whole();
            let refused = answer.status() == 502 || answer.text() == "invalid status\n";
            assert!(refused, "{code}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn head_of_an_endless_body_ends_at_once() {
    let gate = Gate::serving(["endless", "endless-p3"]).start().await;
    for guest in ["endless", "endless-p3"] {
        for mut client in both_protocols(&gate).await {
            let request = Request::head(format!("/{guest}")).body(empty()).unwrap();
            let asked = client.ask(request);
            let answer = within(Duration::from_secs(20), "HEAD", asked).await.whole();
            assert_eq!((answer.status(), answer.body.len()), (200, 0));
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn an_http_1_0_client_gets_a_body_it_understands() {
    let gate = Gate::serving(["stream"]).start().await;
    let mut client = gate.raw().await;
    let answer = client
        .ask("GET /stream?chunks=3&delay_ms=20&size=1 HTTP/1.0\r\n\r\n")
        .await;
    assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");
    assert!(!answer.contains("chunked"), "{answer}");
}

#[tokio::test]
async fn a_head_request_is_not_logged_as_broken_off() {
    let gate = Gate::serving(["hello"]).start().await;
    let request = Request::head("/hello").body(empty()).unwrap();
    gate.ask(request).await.whole();
    let line = gate.log.line("airgate::access").await;
    assert_eq!(line["aborted"], false, "{line}");
}
