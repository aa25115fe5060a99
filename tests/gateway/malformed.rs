//! Requests that are not HTTP: each is refused or cut off, and the gate serves on.

use http::Request;

use crate::support::{Gate, empty};

/// Sends `head` as it is and returns the status line's code; 0 where there was none.
async fn status(gate: &Gate, head: &str) -> u16 {
    let answer = gate.raw().await.ask(head).await;
    assert!(!answer.contains("hello world"), "{head:?} was served");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or(0)
}

async fn refused(heads: &[&str]) {
    let gate = Gate::serving(["hello"]).start().await;
    for head in heads {
        let status = status(&gate, head).await;
        assert!(
            status == 0 || (400..500).contains(&status),
            "{head:?}: {status}"
        );
        assert_eq!(gate.get("/hello").await.status(), 200, "after {head:?}");
    }
    crate::support::eventually("only this connection is open", async || {
        gate.connections().await == 0.0
    })
    .await;
}

#[tokio::test]
async fn a_request_has_exactly_one_valid_host() {
    refused(&[
        "GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: user@a\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a:port\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: \u{7f}\r\nconnection: close\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn the_absolute_target_wins_over_host() {
    let gate = Gate::serving(["echo"]).start().await;
    let answer = gate
        .raw()
        .await
        .ask("GET http://real.example.com/echo HTTP/1.1\r\nhost: forged\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-authority: real.example.com"), "{answer}");
    assert!(!answer.contains("forged"), "{answer}");
}

#[tokio::test]
async fn targets_that_are_no_path_are_refused() {
    refused(&[
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\nconnection: close\r\n\r\n",
        "CONNECT /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello% HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello\0 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /hello HTTP/9.9\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET  /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "G\u{e9}T /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn a_body_is_framed_in_one_way_only() {
    refused(&[
        "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nx",
        "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\nconnection: close\r\n\r\nx",
        "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\nconnection: close\r\n\r\n",
        "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\nconnection: close\r\n\r\nx",
        "POST /hello HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\nconnection: close\r\n\r\n",
        "POST /hello HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\nconnection: close\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nhost : a\r\nconnection: close\r\n\r\n",
        "POST /hello HTTP/1.1\r\nhost: a\r\n folded: 1\r\nconnection: close\r\n\r\n",
        "POST /hello HTTP/1.1\r\nhost: a\r\nx: a\0b\r\nconnection: close\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn a_second_request_cannot_hide_behind_two_framings() {
    let gate = Gate::serving(["read-all", "hello"]).start().await;
    let answer = gate
        .raw()
        .await
        .ask(concat!(
            "POST /read-all HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
            "0\r\n\r\nGET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        ))
        .await;
    assert!(!answer.contains("hello world"), "{answer}");
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn a_bad_chunk_breaks_the_body_for_the_guest() {
    let gate = Gate::serving(["read-all", "hello"]).start().await;
    for chunk in [
        "zz\r\nabc\r\n",
        "5\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n",
        "3;a=b\r\nabcX",
    ] {
        let answer = gate
            .raw()
            .await
            .ask(format!(
                "POST /read-all HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}"
            ))
            .await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{chunk:?}: {answer}");
        assert_eq!(gate.get("/hello").await.status(), 200);
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn long_targets_are_414_and_large_heads_431() {
    let gate = Gate::serving(["hello"]).start().await;
    let long = "a".repeat(9_000);
    let huge = "a".repeat(70_000);
    let many: String = (0..101).map(|i| format!("x-{i}: 1\r\n")).collect();
    let more: String = (0..2_000).map(|i| format!("x-{i}: 1\r\n")).collect();
    for (head, code) in [
        (
            format!("GET /hello?{long} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
            414,
        ),
        // Beyond what the whole head may have, so that is what it breaks.
        (
            format!("GET /hello?{huge} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
            431,
        ),
        (
            format!("GET /hello HTTP/1.1\r\nhost: a\r\n{many}connection: close\r\n\r\n"),
            431,
        ),
        (
            format!("GET /hello HTTP/1.1\r\nhost: a\r\n{more}connection: close\r\n\r\n"),
            431,
        ),
        (
            format!("GET /hello HTTP/1.1\r\nhost: a\r\nx: {huge}\r\nconnection: close\r\n\r\n"),
            431,
        ),
    ] {
        assert_eq!(status(&gate, &head).await, code, "{} bytes", head.len());
    }
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn http2_header_lists_are_bounded() {
    let gate = Gate::serving(["hello"]).start().await;
    for (count, size) in [(1, 20_000), (90, 400), (101, 1), (3_000, 10)] {
        let mut client = gate.http2().await;
        let mut request = Request::get("/hello");
        for index in 0..count {
            request = request.header(format!("x-{index}"), "v".repeat(size));
        }
        match client.send(request.body(empty()).unwrap()).await {
            Ok(response) => assert_eq!(response.status(), 431, "{count} × {size}"),
            Err(error) => assert!(!error.is_timeout(), "{error}"),
        }
        assert_eq!(gate.get("/hello").await.status(), 200);
    }
}

#[tokio::test]
async fn http2_requests_whose_host_and_authority_disagree_are_refused() {
    let gate = Gate::serving(["hello"]).start().await;
    let mut client = gate.http2().await;
    let request =
        Request::get("http://real.example.com/hello").header("host", "forged.example.com");
    let answer = client.ask(request.body(empty()).unwrap()).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(client.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn a_refusal_has_a_request_id_and_proxy_status() {
    let gate = Gate::serving(["hello"]).start().await;
    let answer = gate.get("/%zz").await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.header("proxy-status"),
        "airgate; error=http_request_error"
    );
    let id = answer.header("x-request-id");
    assert!(!id.is_empty() && answer.text().contains(id), "{answer:?}");
    assert_eq!(gate.log.access(id).await["error"], "malformed");
}

/// CVE-2023-44487: requests that are reset as fast as they are made.
#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_and_nothing_else() {
    let gate = Gate::serving(["hang", "hello"]).start().await;
    let mut raw = gate.raw().await;
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    raw.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let mut flood = Vec::new();
    for stream in (1u32..40_000).step_by(2) {
        let mut block = vec![0x82, 0x86, 0x04, 5];
        block.extend(b"/hang");
        block.extend([0x01, 1, b'a']);
        flood.extend([0, 0, block.len() as u8, 1, 5]);
        flood.extend(stream.to_be_bytes());
        flood.extend(block);
        flood.extend([0, 0, 4, 3, 0]);
        flood.extend(stream.to_be_bytes());
        flood.extend(8u32.to_be_bytes());
    }
    raw.send(flood).await;
    raw.rest().await;
    assert_eq!(gate.get("/hello").await.status(), 200);
    gate.at_rest().await;
}

#[tokio::test]
async fn unknown_methods_reach_the_guest_and_share_one_label() {
    let gate = Gate::serving(["echo"]).start().await;
    for method in ["BREW", "PROPFIND"] {
        let request = Request::builder().method(method).uri("/echo").body(empty());
        let answer = gate.ask(request.unwrap()).await.whole();
        assert_eq!((answer.status(), answer.header("x-method")), (200, method));
    }
    let labels = [("http_request_method", "_OTHER")];
    let metrics = gate.metrics().await;
    assert_eq!(
        metrics.sum("http_server_request_duration_seconds_count", &labels),
        2.0
    );
}

#[tokio::test]
async fn options_of_the_whole_server_is_answered() {
    let gate = Gate::serving(["hello"]).start().await;
    let answer = status(
        &gate,
        "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!((200..500).contains(&answer), "{answer}");
}
