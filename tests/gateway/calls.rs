//! Components that call each other: where they may, under the limits of whoever is called,
//! and never without end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Frame;
use http_body_util::BodyExt as _;

use crate::support::{
    Answer, Gate, Metrics, Setup, body, encoded, eventually, get, guest, streamed, within,
};

const RELAYS: [&str; 2] = ["relay", "relay-p3"];

/// A component of this name, routed at `/name`, that may call these others.
fn relay(setup: Setup, name: &str, source: &str, callees: &[&str], lines: &str) -> Setup {
    let lines = format!("{lines}\n[component.{name}.capabilities]\ncomponents = {callees:?}");
    setup
        .component(name, &guest(source), &lines)
        .route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}"))
}

/// Both relays, which may call these.
fn relays(setup: Setup, callees: &[&str], lines: &str) -> Setup {
    let add = |setup, name| relay(setup, name, name, callees, lines);
    RELAYS.into_iter().fold(setup, add)
}

/// A guest of `fixtures/` without a route.
fn callee(setup: Setup, name: &str, lines: &str) -> Setup {
    setup.component(name, &guest(name), lines)
}

/// The path at which `caller` calls `to` with `path`.
fn call(caller: &str, to: &str, path: &str) -> String {
    format!("/{caller}?to={to}&path={}", encoded(path))
}

fn requests(metrics: &Metrics, labels: &[(&str, &str)]) -> f64 {
    metrics.sum("airgate_guest_requests_total", labels)
}

#[tokio::test]
async fn one_component_calls_another_without_a_socket() {
    for callees in [["echo", "status"], ["echo-p3", "status"]] {
        let echo = callees[0];
        let setup = callees
            .into_iter()
            .fold(Setup::default(), |s, g| callee(s, g, ""));
        let gate = relays(setup, &callees, "").start().await;
        for caller in RELAYS {
            let path = call(caller, echo, "/a/b?c=d");
            let request = Request::put(path).body(body("hello")).unwrap();
            let answer = gate.ask(request).await.whole();
            assert_eq!(
                (answer.status(), answer.text()),
                (200, "hello"),
                "{caller} {echo}"
            );
            assert_eq!(answer.header("x-relay"), echo);
            assert_eq!(answer.header("x-method"), "PUT");
            assert_eq!(answer.header("x-path"), "/a/b?c=d");
            assert_eq!(answer.header("x-authority"), format!("{echo}.internal"));
            assert_eq!(answer.header("x-scheme").to_ascii_lowercase(), "http");
            for code in [200, 201, 204, 302, 404, 418, 500, 503] {
                let answer = gate
                    .get(&call(caller, "status", &format!("/?code={code}")))
                    .await;
                assert_eq!((answer.status(), answer.text()), (code, ""), "{caller}");
            }
        }
        let metrics = gate.metrics().await;
        assert_eq!(
            requests(&metrics, &[("component", echo), ("outcome", "ok")]),
            2.0
        );
        for caller in RELAYS {
            assert_eq!(
                requests(&metrics, &[("component", caller), ("outcome", "ok")]),
                9.0
            );
            let labels = [
                ("component", caller),
                ("server_address", &format!("http://{echo}.internal")),
                ("http_request_method", "PUT"),
                ("http_response_status_code", "200"),
            ];
            let counted = metrics.sum("http_client_request_duration_seconds_count", &labels);
            assert_eq!(counted, 1.0, "{caller}");
        }
        // Calls are no traffic of the edge.
        assert_eq!(
            metrics.sum("http_server_request_duration_seconds_count", &[]),
            18.0
        );
    }
}

#[tokio::test]
async fn what_is_not_granted_is_not_called() {
    let setup = Gate::serving(["hello", "counter"]);
    let gate = relays(setup, &["hello"], "").start().await;
    for caller in RELAYS {
        for to in ["counter", "nobody", caller] {
            let answer = gate.get(&call(caller, to, "/")).await.whole();
            assert_eq!(
                answer.text(),
                "denied:http-request-denied\n",
                "{caller} {to}"
            );
            let events = gate.audit_of(caller).await;
            assert_eq!(
                (&events[0]["kind"], &events[0]["component"]),
                (&"denied".into(), &caller.into())
            );
            assert_eq!(
                (&events[0]["capability"], &events[0]["target"]),
                (&"components".into(), &to.into())
            );
        }
        assert_eq!(gate.denied(caller, "components").await, 3.0);
        assert_eq!(gate.denied(caller, "http").await, 0.0);
    }
    let metrics = gate.metrics().await;
    assert_eq!(requests(&metrics, &[("component", "counter")]), 0.0);
}

#[tokio::test]
async fn audit_mode_calls_what_is_there_and_reports_it() {
    let lines = "[component.relay.capabilities]\nmode = \"audit\"";
    let gate = Gate::serving(["hello"])
        .guest_with("relay", lines)
        .start()
        .await;
    let answer = gate.get(&call("relay", "hello", "/")).await.whole();
    assert_eq!(answer.text(), "hello world\n");
    let events = gate.audit_of("relay").await;
    assert_eq!(events[0]["kind"], "audited");
    let answer = gate.get(&call("relay", "nobody", "/")).await.whole();
    assert_eq!(answer.text(), "error:destination-not-found\n");
    assert_eq!(gate.denied("relay", "components").await, 2.0);
}

#[tokio::test]
async fn names_are_compared_as_host_names_are() {
    let setup = Gate::serving(["hello"]).component("CamelCase", &guest("hello"), "");
    let gate = relays(setup, &["hello", "CamelCase"], "").start().await;
    for caller in RELAYS {
        for to in ["hello", "HELLO", "Hello", "camelcase", "CAMELCASE"] {
            let answer = gate.get(&call(caller, to, "/")).await.whole();
            assert_eq!(answer.text(), "hello world\n", "{caller} {to}");
        }
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    for echo in ["echo", "echo-p3"] {
        let gate = relays(callee(Setup::default(), echo, ""), &[echo], "")
            .start()
            .await;
        for caller in RELAYS {
            let (frames, sent) = streamed();
            let request = Request::post(call(caller, echo, "/")).body(sent).unwrap();
            let mut client = gate.http2().await;
            let mut answer = client.send(request).await.unwrap();
            for piece in ["one", "two", "three"] {
                frames.send(Frame::data(Bytes::from(piece))).await.unwrap();
                let mut received = Vec::new();
                while received.len() < piece.len() {
                    let what = format!("{piece} through {caller} and {echo}");
                    let frame = within(Duration::from_secs(10), &what, answer.frame()).await;
                    received.extend_from_slice(&frame.unwrap().unwrap().into_data().unwrap());
                }
                assert_eq!(received, piece.as_bytes());
            }
            drop(frames);
            while let Some(frame) = answer.frame().await {
                assert!(frame.unwrap().into_data().is_ok_and(|data| data.is_empty()));
            }
        }
    }
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let sent: Bytes = (0..3_000_000_u32)
        .map(|index| (index % 251) as u8)
        .collect();
    let patient = "limits = { cpu = \"20s\", timeout = \"20s\" }";
    let setup = ["echo", "echo-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| callee(s, g, patient));
    let gate = relays(setup, &["echo", "echo-p3"], patient).start().await;
    for caller in RELAYS {
        for echo in ["echo", "echo-p3"] {
            let answer = gate
                .post(&call(caller, echo, "/"), sent.clone())
                .await
                .whole();
            assert_eq!(answer.status(), 200, "{caller} {echo}");
            assert!(
                answer.body == sent,
                "{caller} {echo}: {} bytes",
                answer.body.len()
            );
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let gate = relay(
        callee(Setup::default(), "echo-p3", ""),
        "relay-p3",
        "relay-p3",
        &["echo-p3"],
        "",
    );
    let gate = gate.start().await;
    let (frames, sent) = streamed();
    tokio::spawn(async move {
        let _ = frames.send(Frame::data("body".into())).await;
        let trailers = HeaderMap::from_iter([(
            HeaderName::from_static("x-sum"),
            HeaderValue::from_static("42"),
        )]);
        let _ = frames.send(Frame::trailers(trailers)).await;
    });
    let request = Request::post(call("relay-p3", "echo-p3", "/"))
        .body(sent)
        .unwrap();
    let answer = gate.http2().await.ask(request).await.whole();
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.trailers.expect("trailers")["x-sum"], "42");
}

#[tokio::test]
async fn a_body_that_breaks_off_there_breaks_off_here() {
    let guests = ["unfinished-body", "trap-after-head"];
    let setup = guests
        .into_iter()
        .fold(Setup::default(), |s, g| callee(s, g, ""));
    let gate = relays(setup, &guests, "").start().await;
    for caller in RELAYS {
        for to in guests {
            let answer = gate.get(&call(caller, to, "/")).await;
            assert!(answer.broken.is_some(), "{caller} {to}: {answer:?}");
        }
    }
    gate.at_rest().await;
}

/// The log's lines with this message about a component: its own, or one that it calls.
fn about(gate: &Gate, message: &str, component: &str) -> Vec<serde_json::Value> {
    let key = match message.contains("loop") {
        true => "called",
        false => "component",
    };
    let mut lines = gate.log.with("message", message);
    lines.retain(|line| line[key] == component);
    lines
}

/// The one after `before` others, once it is there.
async fn line_about(
    gate: &Gate,
    message: &str,
    component: &str,
    before: usize,
) -> serde_json::Value {
    eventually("the log tells it", async || {
        about(gate, message, component).len() == before + 1
    })
    .await;
    about(gate, message, component).remove(before)
}

#[tokio::test]
async fn whoever_is_called_has_limits_of_its_own() {
    // Who computes does so when nobody else wants to: on a busy machine that takes its time.
    let cpu = "limits = { cpu = \"50ms\", timeout = \"20s\" }";
    let patient = "limits = { timeout = \"20s\" }";
    let time = "limits = { timeout = \"200ms\" }";
    let small = "limits = { max_request_body = \"1KiB\" }";
    let setup = [
        ("spin", cpu, "cpu"),
        ("spin-p3", cpu, "cpu"),
        ("hang", time, "timeout"),
        ("hang-p3", time, "timeout"),
        ("trap", "", "trap"),
        ("memory-hog", patient, "memory"),
        ("silent", "", "no_response"),
    ];
    let gate = setup
        .iter()
        .fold(Setup::default(), |s, (g, lines, _)| callee(s, g, lines));
    let gate = callee(gate, "read-all", small);
    let mut callees: Vec<_> = setup.iter().map(|(guest, ..)| *guest).collect();
    callees.push("read-all");
    let gate = relays(gate, &callees, "limits = { timeout = \"25s\" }")
        .start()
        .await;
    for (index, caller) in RELAYS.into_iter().enumerate() {
        for (to, _, outcome) in setup {
            let answer = gate.get(&call(caller, to, "/")).await.whole();
            let error = match outcome {
                "cpu" | "timeout" => "error:http-response-timeout\n",
                "memory" => "error:http-response-incomplete\n",
                _ => "error:http-protocol-error\n",
            };
            // The caller lives on and says what it was told.
            assert_eq!(
                (answer.status(), answer.text()),
                (200, error),
                "{caller} {to}"
            );
            let line = line_about(&gate, "called guest failed", to, index).await;
            assert_eq!(line["fault"], outcome);
            let id = line["request_id"].as_str().unwrap();
            assert_eq!(gate.log.access(id).await["component"], caller);
        }
        let answer = gate
            .post(&call(caller, "read-all", "/"), vec![b'x'; 4_000])
            .await;
        let text = answer.text();
        assert!(
            text.contains("http-request-body-size") || answer.status() == 400,
            "{text}"
        );
    }
    let metrics = gate.metrics().await;
    for (to, _, outcome) in setup {
        let labels = [("component", to), ("outcome", outcome)];
        assert_eq!(requests(&metrics, &labels), 2.0, "{to}");
    }
    for caller in RELAYS {
        let labels = [("component", caller), ("outcome", "ok")];
        assert_eq!(requests(&metrics, &labels), setup.len() as f64 + 1.0);
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn an_error_of_whoever_is_called_keeps_its_text_to_itself() {
    let gate = relays(
        callee(Setup::default(), "error-code", ""),
        &["error-code"],
        "",
    );
    let gate = gate.start().await;
    for caller in RELAYS {
        for code in ["internal", "timeout", "refused", "denied"] {
            let answer = gate
                .get(&call(caller, "error-code", &format!("/?code={code}")))
                .await;
            let text = answer.text();
            assert!(
                text.starts_with("error:") || text.starts_with("denied:"),
                "{text}"
            );
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

/// Whom an answer came through, the last who was called first.
fn passed_through(answer: &Answer) -> Vec<&str> {
    let relays = answer.headers.get_all("x-relay").iter();
    relays.map(|name| name.to_str().unwrap()).collect()
}

/// `a` calls `b`, `b` calls `a`, and so on.
fn ping_pong(rounds: usize) -> String {
    let names: Vec<_> = ["b", "a"].into_iter().cycle().take(rounds).collect();
    format!("/a?chain={}&path=%2F", names.join(","))
}

#[tokio::test]
async fn a_loop_ends_at_sixteen() {
    let message = "components call each other 16 deep: a loop";
    let concurrent = "instances = { reuse = 1_000, concurrent = 100 }";
    for (source, lines) in [("relay", ""), ("relay-p3", ""), ("relay-p3", concurrent)] {
        let setup = relay(Gate::serving(["hello"]), "a", source, &["a", "b"], lines);
        let setup = relay(setup, "b", source, &["a", "b"], lines);
        let gate = setup.start().await;
        let deepest = gate.get(&ping_pong(16)).await.whole();
        assert_eq!((deepest.status(), deepest.text()), (200, "end\n"));
        assert_eq!(passed_through(&deepest).len(), 16);
        let loops = [
            (ping_pong(17), "b"),
            ("/a?loop=1&self=a".into(), "a"),
            ("/b?loop=1&self=a".into(), "a"),
        ];
        for (path, called) in loops {
            let before = about(&gate, message, called).len();
            let answer = gate.get(&path).await.whole();
            let said = (answer.status(), answer.text());
            assert_eq!(said, (200, "denied:loop-detected\n"), "{path}");
            assert_eq!(passed_through(&answer).len(), 16, "{path}");
            let line = line_about(&gate, message, called, before).await;
            assert_eq!(
                (&line["level"], &line["called"]),
                (&"WARN".into(), &called.into())
            );
            let id = line["request_id"].as_str().unwrap();
            assert_eq!(gate.log.access(id).await["component"], path[1..2]);
        }
        gate.at_rest().await;
        assert_eq!(gate.get("/hello").await.status(), 200);
    }
}

#[tokio::test]
async fn a_chain_of_both_versions_passes_everything_through() {
    let names = ["one", "two", "three", "four", "five"];
    let mut setup = Gate::serving(["hello"]);
    for (index, name) in names.into_iter().enumerate() {
        setup = relay(
            setup,
            name,
            RELAYS[index % 2],
            &[names.get(index + 1).unwrap_or(&"hello")],
            "",
        );
    }
    let gate = setup.start().await;
    let answer = gate
        .get("/one?chain=two,three,four,five,hello&path=%2F")
        .await
        .whole();
    assert_eq!((answer.status(), answer.text()), (200, "hello world\n"));
    assert_eq!(
        passed_through(&answer),
        ["hello", "five", "four", "three", "two"]
    );
    // One of them may not call the one after the next.
    let answer = gate.get("/one?chain=two,four,hello&path=%2F").await.whole();
    assert_eq!(answer.text(), "denied:http-request-denied\n");
    assert_eq!(gate.denied("two", "components").await, 1.0);
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_calls_along() {
    let patient = "limits = { timeout = \"60s\", stream_timeout = \"60s\", cpu = \"30s\" }";
    let guests = ["hang", "hang-p3", "endless", "endless-p3"];
    let setup = guests
        .into_iter()
        .fold(Setup::default(), |s, g| callee(s, g, patient));
    let gate = relays(setup, &guests, patient).start().await;
    for caller in RELAYS {
        for to in guests {
            let mut client = gate.raw().await;
            let path = call(caller, to, "/");
            client
                .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .await;
            eventually(&format!("{caller} has called {to}"), async || {
                gate.instances(to, "busy").await == 1.0
            })
            .await;
            drop(client);
            gate.at_rest().await;
        }
    }
}

#[tokio::test]
async fn a_caller_that_ends_takes_its_calls_along() {
    let patient = "limits = { timeout = \"60s\" }";
    let setup = ["hang", "hang-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| callee(s, g, patient));
    let gate = relays(
        setup,
        &["hang", "hang-p3"],
        "limits = { timeout = \"300ms\" }",
    )
    .start()
    .await;
    for caller in RELAYS {
        for to in ["hang", "hang-p3"] {
            assert_eq!(
                gate.get(&call(caller, to, "/")).await.status(),
                504,
                "{caller} {to}"
            );
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_callee_without_room_refuses_in_time() {
    let patient = "limits = { timeout = \"60s\" }";
    let full = format!("{patient}\ninstances = {{ max = 1 }}");
    let setup = ["hang", "hang-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| callee(s, g, &full));
    let gate = relays(setup, &["hang", "hang-p3"], patient).start().await;
    let mut holding = Vec::new();
    for to in ["hang", "hang-p3"] {
        let mut client = gate.raw().await;
        let path = call("relay", to, "/");
        client
            .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        eventually("it is busy", async || {
            gate.instances(to, "busy").await == 1.0
        })
        .await;
        holding.push(client);
    }
    for caller in RELAYS {
        for to in ["hang", "hang-p3"] {
            let began = Instant::now();
            let answer = gate.get(&call(caller, to, "/")).await.whole();
            assert_eq!(
                answer.text(),
                "denied:connection-limit-reached\n",
                "{caller} {to}"
            );
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{:?}",
                began.elapsed()
            );
        }
    }
    drop(holding);
    gate.at_rest().await;
}

/// `both` in two versions of the same weight.
fn two_versions() -> String {
    let [a, b] = ["version-a", "version-b"].map(guest);
    format!(
        concat!(
            "[component.both.traffic]\na = 50\nb = 50\n",
            "[[component.both.versions]]\nname = \"a\"\nsource = {:?}\n",
            "[[component.both.versions]]\nname = \"b\"\nsource = {:?}",
        ),
        a, b
    )
}

async fn answers(gate: &Gate, version: &str) -> f64 {
    let labels = [("component", "both"), ("version", version)];
    requests(&gate.metrics().await, &labels)
}

#[tokio::test]
async fn one_request_meets_one_version_however_often_it_calls() {
    let gate = relays(Setup::default().lines(&two_versions()), &["both"], "")
        .start()
        .await;
    for _ in 0..10 {
        for caller in RELAYS {
            let before = [answers(&gate, "a").await, answers(&gate, "b").await];
            let answer = gate
                .get(&format!("{}&times=5", call(caller, "both", "/")))
                .await
                .whole();
            let expected = match answer.text() {
                "a" => [before[0] + 5.0, before[1]],
                "b" => [before[0], before[1] + 5.0],
                other => panic!("{other}"),
            };
            let after = [answers(&gate, "a").await, answers(&gate, "b").await];
            assert_eq!(after, expected, "{caller}");
        }
    }
}

#[tokio::test]
async fn many_requests_meet_both_versions_by_their_weight() {
    let gate = relays(Setup::default().lines(&two_versions()), &["both"], "")
        .start()
        .await;
    let clients = (0..8).map(|index| {
        let (gate, path) = (&gate, call(RELAYS[index % 2], "both", "/"));
        async move {
            let mut client = gate.http1().await;
            let mut to_a = 0;
            for _ in 0..250 {
                let answer: Answer = client.ask(get(&path)).await.whole();
                assert!(["a", "b"].contains(&answer.text()), "{answer:?}");
                to_a += usize::from(answer.text() == "a");
            }
            to_a
        }
    });
    let to_a: usize = futures_util::future::join_all(clients)
        .await
        .into_iter()
        .sum();
    assert!((850..=1_150).contains(&to_a), "{to_a} of 2000");
}

/// Nobody can tell whose an outbound request of a shared instance is, so all who share one
/// are equally deep.
#[tokio::test]
async fn a_call_does_not_join_an_instance_that_serves_the_edge() {
    let shared = "instances = { reuse = 100, concurrent = 4 }\nlimits = { timeout = \"60s\" }";
    let edge = "/inflight-p3?ms=100";
    let call = "/a?to=inflight-p3&path=/%3Fms%3D100";
    // The control: two that are equally deep share it.
    for (second, together) in [(edge, "2"), (call, "1")] {
        let setup = Setup::default().guest_with("inflight-p3", shared);
        let setup = relay(setup, "a", "relay", &["inflight-p3"], "");
        let gate = setup.start().await;
        let mut first = gate.raw().await;
        first
            .send("GET /inflight-p3?ms=50000 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        eventually("the first is served", async || {
            gate.instances("inflight-p3", "busy").await == 1.0
        })
        .await;
        // It lets others in as soon as it waits, which nothing tells.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(gate.get(second).await.text(), together);
    }
}
