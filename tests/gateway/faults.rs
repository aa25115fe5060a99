//! Everything that keeps a request from a guest's own answer, as the client, the log and
//! the metrics see it.

use http::Request;

use crate::support::{Answer, Gate, Setup, empty, get};

const PROTOCOL: &str = "airgate; error=http_protocol_error";

async fn as_json(gate: &Gate, path: &str) -> Answer {
    let request = Request::get(path).header("accept", "application/json");
    gate.ask(request.body(empty()).unwrap()).await.whole()
}

#[tokio::test]
async fn each_fault_has_its_status_its_error_and_its_label() {
    let guests = [
        "trap",
        "trap-p3",
        "exit",
        "silent",
        "sets-twice",
        "panic-message",
        "hello",
    ];
    let gate = Gate::serving(guests).start().await;
    for (guest, label) in [
        ("trap", "trap"),
        ("trap-p3", "trap"),
        ("exit", "trap"),
        ("silent", "no_response"),
        ("sets-twice", "trap"),
        ("panic-message", "trap"),
    ] {
        let answer = gate.get(&format!("/{guest}")).await.whole();
        assert_eq!(
            (answer.status(), answer.header("proxy-status")),
            (502, PROTOCOL),
            "{guest}"
        );
        let metrics = gate.metrics().await;
        let labels = [("component", guest), ("outcome", label)];
        assert_eq!(
            metrics.sum("airgate_guest_requests_total", &labels),
            1.0,
            "{guest}"
        );
        let route = format!("/{guest}");
        let labels = [
            ("http_route", &*route),
            ("error_type", label),
            ("http_response_status_code", "502"),
        ];
        let count = metrics.sum("http_server_request_duration_seconds_count", &labels);
        assert_eq!(count, 1.0, "{guest}");
        assert_eq!(gate.get("/hello").await.status(), 200, "after {guest}");
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_silent_guest_fails_at_once() {
    let gate = Setup::default()
        .guest_with("silent", "limits = { timeout = \"60s\" }")
        .start()
        .await;
    let began = std::time::Instant::now();
    assert_eq!(gate.get("/silent").await.status(), 502);
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

#[tokio::test]
async fn each_error_code_becomes_a_proxy_status_of_its_own() {
    let gate = Gate::serving(["error-code", "error-code-p3"]).start().await;
    for guest in ["error-code", "error-code-p3"] {
        for (code, error) in [
            ("timeout", "http_response_timeout"),
            ("refused", "connection_refused"),
            ("denied", "http_request_denied"),
            ("internal", "proxy_internal_error"),
        ] {
            let answer = gate.get(&format!("/{guest}?code={code}")).await.whole();
            let expected = format!("airgate; error={error}");
            assert_eq!(
                (answer.status(), answer.header("proxy-status")),
                (502, &*expected)
            );
            assert!(!answer.text().contains("secret"), "{}", answer.text());
        }
        let labels = [("component", guest), ("outcome", "guest_error")];
        let metrics = gate.metrics().await;
        assert_eq!(metrics.sum("airgate_guest_requests_total", &labels), 4.0);
    }
}

#[tokio::test]
async fn what_a_guest_says_when_it_dies_reaches_the_log_and_never_the_client() {
    let gate = Gate::serving(["panic-message", "error-code"]).start().await;
    for path in ["/panic-message", "/error-code?code=internal"] {
        for answer in [gate.get(path).await, as_json(&gate, path).await] {
            let shown = format!("{:?} {}", answer.headers, answer.text());
            assert!(
                !shown.contains("12345") && !shown.contains("wasm"),
                "{shown}"
            );
            let id = answer.header("x-request-id");
            let lines = || {
                let mut lines = gate.log.lines();
                lines.retain(|line| {
                    line["request_id"] == id && line.to_string().contains("guest secret 12345")
                });
                lines
            };
            crate::support::eventually("the secret is in the log", async || !lines().is_empty())
                .await;
        }
    }
}

#[tokio::test]
async fn a_fault_is_a_problem_document_for_who_takes_json() {
    let gate = Gate::serving(["trap"]).start().await;
    let answer = as_json(&gate, "/trap").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], 502);
    assert_eq!(problem["title"], "Bad Gateway");
    assert_eq!(problem["error"], "trap");
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_fault_is_one_line_of_text_for_everybody_else() {
    let gate = Gate::serving(["trap"]).start().await;
    let answer = gate.get("/trap").await.whole();
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.text().lines().count(), 1);
    let id = answer.header("x-request-id");
    assert!(answer.text().contains(id));
    let access = gate.log.access(id).await;
    assert_eq!(
        (&access["error"], &access["status"]),
        (&"trap".into(), &502.into())
    );
    assert_eq!(access["component"], "trap");
}

#[tokio::test]
async fn a_cut_body_never_looks_complete() {
    let guests = [
        "trap-after-head",
        "unfinished-body",
        "short-body",
        "long-body",
    ];
    let gate = Gate::serving(guests).start().await;
    for guest in guests {
        for mut client in [gate.http1().await, gate.http2().await] {
            let Ok(response) = client.send(get(&format!("/{guest}"))).await else {
                continue;
            };
            let answer = Answer::read(response).await;
            let visible = answer.broken.is_some() || answer.status() == 502;
            assert!(visible, "{guest}, {:?}: {answer:?}", answer.version);
            assert!(answer.body.len() <= 100 || answer.status() == 502);
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_cut_chunked_body_has_no_last_chunk() {
    let guests = ["trap-after-head", "unfinished-body"];
    let gate = Gate::serving(guests).start().await;
    for guest in guests {
        let mut raw = gate.raw().await;
        let answer = raw
            .ask(format!("GET /{guest} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        if answer.starts_with("HTTP/1.1 200") {
            assert!(!answer.ends_with("0\r\n\r\n"), "{guest}: {answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 502"), "{guest}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_cut_after_its_head_is_recorded_with_its_fault() {
    let gate = Gate::serving(["stall-body"])
        .guest_with("spin-after-head", "limits = { cpu = \"200ms\" }")
        .start()
        .await;
    gate.get("/spin-after-head").await;
    let line = gate.log.line("airgate::access").await;
    assert_eq!(
        (&line["error"], &line["aborted"]),
        (&"cpu".into(), &true.into()),
        "{line}"
    );
}
