//! Clients that waste a place: each kind of waiting has an end.

use std::time::{Duration, Instant};

use crate::support::{Gate, PREFACE, Raw, Setup, eventually};

/// SETTINGS with nothing set.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Closed once `limit` has passed, and soon after: no limit is less than ten seconds where
/// nothing is said. The gate's clock does not start before `began`.
async fn closes_after(raw: &mut Raw, began: Instant, limit: Duration) {
    closes_between(raw, began, limit, limit + Duration::from_secs(8)).await;
}

async fn closes_between(raw: &mut Raw, began: Instant, limit: Duration, latest: Duration) {
    raw.rest().await;
    let took = began.elapsed();
    let early = limit.saturating_sub(Duration::from_millis(100));
    assert!(
        took >= early,
        "after {took:?}, before the limit of {limit:?}"
    );
    assert!(took < latest, "only after {took:?}");
}

async fn nobody_is_left(gate: &Gate) {
    eventually("no connection is left", async || {
        gate.connections().await == 0.0
    })
    .await;
    gate.at_rest().await;
}

const LIMIT: Duration = Duration::from_millis(600);

fn limited(key: &str) -> Setup {
    Gate::serving(["hello", "echo", "read-all", "endless"]).limits(&format!("{key} = \"600ms\""))
}

#[tokio::test]
async fn a_connection_that_does_not_say_what_it_speaks_is_closed() {
    let gate = limited("detection_timeout").start().await;
    for bytes in ["", "P", "PRI * HT", &PREFACE[..23]] {
        let began = Instant::now();
        let mut raw = gate.raw().await;
        raw.send(bytes).await;
        closes_after(&mut raw, began, LIMIT).await;
    }
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let gate = limited("head_timeout").start().await;
    let mut raw = gate.raw().await;
    let began = Instant::now();
    raw.send("GET /hello HTTP/1.1\r\nhost: a\r\n").await;
    closes_after(&mut raw, began, LIMIT).await;
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn one_byte_at_a_time_does_not_extend_the_head_timeout() {
    let gate = limited("head_timeout").start().await;
    let raw = gate.raw().await;
    let (mut reader, mut writer) = raw.stream.into_split();
    let drip = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let head = "GET /hello HTTP/1.1\r\nhost: a\r\n".to_owned() + &"x: y\r\n".repeat(1_000);
        for byte in head.bytes() {
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut sink = tokio::io::sink();
    let copied = tokio::io::copy(&mut reader, &mut sink);
    let closed = tokio::time::timeout(Duration::from_secs(8), copied).await;
    drip.abort();
    assert!(closed.is_ok(), "still open after eight seconds");
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn the_head_timeout_holds_for_a_later_request_too() {
    let gate = limited("head_timeout").start().await;
    let mut raw = gate.raw().await;
    raw.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    raw.until("world\n").await;
    let began = Instant::now();
    raw.send("GET /hello HTT").await;
    closes_after(&mut raw, began, LIMIT).await;
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn a_body_that_stops_is_a_408() {
    let gate = limited("body_idle_timeout").start().await;
    for framing in [
        "content-length: 100\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let mut raw = gate.raw().await;
        raw.send(format!("POST /read-all HTTP/1.1\r\nhost: a\r\n{framing}"))
            .await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 408"), "{head}");
        assert!(head.contains("error=http_request_error"), "{head}");
        closes_after(&mut raw, Instant::now(), Duration::ZERO).await;
    }
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn a_streamed_body_that_stops_breaks_the_answer() {
    let gate = limited("body_idle_timeout").start().await;
    let mut raw = gate.raw().await;
    raw.send("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    let answer = String::from_utf8(raw.rest().await).unwrap();
    assert!(
        answer.contains("abc") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped() {
    let gate = limited("write_timeout").start().await;
    let mut raw = Raw::with_small_buffer(gate.address()).await;
    raw.send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    raw.head().await;
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let gate = limited("keep_alive").start().await;
    let mut raw = gate.raw().await;
    let began = Instant::now();
    raw.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    raw.until("world\n").await;
    closes_after(&mut raw, began, LIMIT).await;
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn an_http2_preface_and_then_silence_is_closed() {
    let gate = limited("keep_alive").start().await;
    for settings in [&b""[..], &SETTINGS] {
        let began = Instant::now();
        let mut raw = gate.raw().await;
        raw.send(PREFACE).await.send(settings).await;
        // It is told with GOAWAY, and has five seconds to see it.
        closes_between(&mut raw, began, LIMIT, LIMIT + Duration::from_secs(15)).await;
    }
    nobody_is_left(&gate).await;
}

#[tokio::test]
async fn a_slow_guest_is_no_slow_client() {
    let gate = Setup::default()
        .guest_with("sleep", "limits = { timeout = \"60s\" }")
        .limits("keep_alive = \"2s\"\nhead_timeout = \"2s\"\nwrite_timeout = \"2s\"\nbody_idle_timeout = \"2s\"")
        .start()
        .await;
    let (mut one, mut two) = (gate.http1().await, gate.http2().await);
    let (one, two) = tokio::join!(one.get("/sleep?ms=5000"), two.get("/sleep?ms=5000"));
    for answer in [one.whole(), two.whole()] {
        assert_eq!((answer.status(), answer.text()), (200, "slept"));
    }
}

/// HTTP/2 lets a client ask and then give no credit for the answer: the socket is never
/// full, and pings are answered, but a request is held.
#[tokio::test]
async fn an_http2_client_that_gives_no_window_does_not_hold_its_requests_for_ever() {
    // So long that the request is seen while it is held.
    let gate = Gate::serving(["hello"])
        .limits("write_timeout = \"3s\"\nkeep_alive = \"3s\"")
        .start()
        .await;
    let mut raw = gate.raw().await;
    raw.get_without_window("/hello").await;
    let held = async || gate.metrics().await.sum("http_server_active_requests", &[]);
    eventually("the request has arrived", async || held().await == 1.0).await;
    answer_pings(raw);
    eventually("the request is let go", async || held().await == 0.0).await;
}

/// Acknowledges every PING, as a polite client does.
fn answer_pings(raw: Raw) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (mut reader, mut writer) = raw.stream.into_split();
    tokio::spawn(async move {
        let mut head = [0; 9];
        while reader.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            if reader.read_exact(&mut payload).await.is_err() {
                return;
            }
            let reply: &[u8] = match (head[3], head[4]) {
                (6, 0) => &[0, 0, 8, 6, 1, 0, 0, 0, 0],
                (4, 0) => &[0, 0, 0, 4, 1, 0, 0, 0, 0],
                _ => continue,
            };
            let payload = if head[3] == 6 { &payload[..] } else { &[] };
            let _ = writer.write_all(&[reply, payload].concat()).await;
        }
    });
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_until_one_closes() {
    let gate = Gate::serving(["hello"])
        .server("max_connections = 3")
        .start()
        .await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = gate.http1().await;
        assert_eq!(client.get("/hello").await.status(), 200);
        open.push(client);
    }
    let mut raw = gate.raw().await;
    raw.send("GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), raw.stream.readable()).await;
    assert!(waiting.is_err(), "the fourth was served");
    open.pop();
    assert!(raw.head().await.starts_with("HTTP/1.1 200"));
}
