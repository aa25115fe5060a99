//! Every limit of a guest, hit.

use std::time::{Duration, Instant};

use http::Request;
use http_body::Frame;
use http_body_util::BodyExt as _;

use crate::support::{Answer, Gate, Setup, body, eventually, get, streamed, within};

/// What the client is told, and what the metrics count.
async fn assert_fault(
    gate: &Gate,
    guest: &str,
    answer: &Answer,
    status: u16,
    error: &str,
    label: &str,
) {
    assert_eq!(
        (answer.status(), answer.header("proxy-status")),
        (status, error),
        "{guest}"
    );
    let labels = [("component", guest), ("outcome", label)];
    let counted = gate
        .metrics()
        .await
        .sum("airgate_guest_requests_total", &labels);
    assert!(counted >= 1.0, "{guest}: no {label}");
}

const TIMEOUT: &str = "airgate; error=http_response_timeout";
const CPU: &str = "airgate; error=http_response_timeout; details=\"cpu\"";
const FUEL: &str = "airgate; error=http_response_incomplete; details=\"fuel\"";
const MEMORY: &str = "airgate; error=http_response_incomplete; details=\"memory\"";

#[tokio::test]
async fn a_guest_that_does_not_answer_in_time_is_a_504() {
    let gate = ["hang", "hang-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| {
            s.guest_with(g, "limits = { timeout = \"300ms\" }")
        })
        .start()
        .await;
    for guest in ["hang", "hang-p3"] {
        let began = Instant::now();
        let answer = gate.get(&format!("/{guest}")).await.whole();
        let took = began.elapsed();
        assert_fault(&gate, guest, &answer, 504, TIMEOUT, "timeout").await;
        // It would be five seconds if nothing was said.
        assert!(
            took >= Duration::from_millis(300) && took < Duration::from_millis(4_500),
            "{took:?}"
        );
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_body_that_does_not_end_in_time_is_cut_off() {
    let guests = ["stall-body", "endless", "endless-p3"];
    let gate = guests
        .into_iter()
        .fold(Setup::default(), |s, g| {
            s.guest_with(g, "limits = { timeout = \"1s\", stream_timeout = \"1s\" }")
        })
        .start()
        .await;
    for guest in guests {
        for mut client in [gate.http1().await, gate.http2().await] {
            let began = Instant::now();
            let mut response = client.send(get(&format!("/{guest}"))).await.unwrap();
            assert_eq!(response.status(), 200);
            let broken = loop {
                match within(Duration::from_secs(20), "the end", response.frame()).await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => break true,
                    None => break false,
                }
            };
            assert!(broken, "{guest} looks complete");
            let took = began.elapsed();
            // It would be a minute if nothing was said.
            assert!(
                took >= Duration::from_millis(900) && took < Duration::from_secs(20),
                "{took:?}"
            );
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_stream_without_a_timeout_goes_on() {
    let gate = Setup::default()
        .guest_with(
            "stream",
            "limits = { timeout = \"2s\", stream_timeout = \"0s\" }",
        )
        .start()
        .await;
    let answer = gate
        .get("/stream?chunks=5&delay_ms=700&size=1")
        .await
        .whole();
    assert_eq!(answer.text(), "abcde");
}

#[tokio::test]
async fn a_spinning_guest_gets_504_and_its_neighbour_is_unharmed() {
    // On a busy machine a neighbour may wait for others than the spinners, but not every time.
    let mut slowest = Duration::MAX;
    for _ in 0..5 {
        slowest = slowest.min(slowest_beside_spinners().await);
        if slowest < Duration::from_millis(250) {
            return;
        }
    }
    panic!("at best {slowest:?}");
}

/// How long a neighbour of guests that spin waits for an answer, at worst.
async fn slowest_beside_spinners() -> Duration {
    let limit = "limits = { cpu = \"300ms\", timeout = \"60s\" }";
    let gate = Setup::default()
        .guest_with("spin", limit)
        .guest_with("spin-p3", limit)
        .guest("hello")
        .start()
        .await;
    let mut neighbour = gate.http1().await;
    let spinners = [1, 2].map(|_| async {
        (
            gate.get("/spin").await.whole(),
            gate.get("/spin-p3").await.whole(),
        )
    });
    let spinning = futures_util::future::join_all(spinners);
    let served = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..100 {
            let began = Instant::now();
            assert_eq!(neighbour.get("/hello").await.status(), 200);
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(spinning, served);
    for (two, three) in answers {
        assert_fault(&gate, "spin", &two, 504, CPU, "cpu").await;
        assert_fault(&gate, "spin-p3", &three, 504, CPU, "cpu").await;
    }
    gate.at_rest().await;
    slowest
}

#[tokio::test]
async fn a_guest_that_spins_after_its_head_is_cut_off() {
    let gate = Setup::default()
        .guest_with("spin-after-head", "limits = { cpu = \"300ms\" }")
        .start()
        .await;
    for mut client in [gate.http1().await, gate.http2().await] {
        let answer = client.get("/spin-after-head").await;
        assert_eq!((answer.status(), answer.text()), (200, "partial\n"));
        assert!(answer.broken.is_some());
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn only_time_on_the_processor_counts_as_cpu() {
    let limit = "limits = { cpu = \"150ms\", timeout = \"60s\" }";
    let gate = ["sleep", "sleep-p3", "spin-ms"]
        .into_iter()
        .fold(Setup::default(), |s, g| s.guest_with(g, limit))
        .start()
        .await;
    for path in ["/sleep?ms=600", "/sleep-p3?ms=600", "/spin-ms?ms=40"] {
        assert_eq!(gate.get(path).await.whole().status(), 200, "{path}");
    }
    let answer = gate.get("/spin-ms?ms=60000").await.whole();
    assert_fault(&gate, "spin-ms", &answer, 504, CPU, "cpu").await;
}

#[tokio::test]
async fn a_reused_instance_has_its_cpu_and_fuel_anew_for_each_request() {
    let gate = Setup::default()
        .guest_with(
            "spin-ms",
            "limits = { cpu = \"400ms\", timeout = \"60s\" }\ninstances = { reuse = 100 }",
        )
        .guest_with(
            "counter",
            "limits = { fuel = 1_000_000 }\ninstances = { reuse = 1_000 }",
        )
        .start()
        .await;
    for _ in 0..8 {
        assert_eq!(gate.get("/spin-ms?ms=100").await.whole().status(), 200);
    }
    let mut client = gate.http1().await;
    for count in 1..=100 {
        assert_eq!(client.get("/counter").await.text(), count.to_string());
        gate.at_rest().await;
    }
}

#[tokio::test]
async fn a_guest_out_of_fuel_is_a_502() {
    let gate = ["spin", "spin-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| {
            s.guest_with(g, "limits = { fuel = 10_000_000, timeout = \"60s\" }")
        })
        .guest_with("hello", "limits = { fuel = 10_000_000 }")
        .start()
        .await;
    for guest in ["spin", "spin-p3"] {
        let answer = gate.get(&format!("/{guest}")).await.whole();
        assert_fault(&gate, guest, &answer, 502, FUEL, "out_of_fuel").await;
    }
    assert_eq!(gate.get("/hello").await.status(), 200);
    // Known when the guest has ended, which may be after its answer.
    let mut spent = 0.0;
    eventually("its fuel is counted", async || {
        let metrics = gate.metrics().await;
        spent = metrics.sum("airgate_guest_fuel_total", &[("component", "hello")]);
        spent > 0.0
    })
    .await;
    assert!(spent < 10_000_000.0, "{spent}");
}

#[tokio::test]
async fn a_guest_that_dies_of_memory_is_a_502() {
    let gate = Gate::serving(["memory-hog", "hello"]).start().await;
    let answer = gate.get("/memory-hog").await.whole();
    assert_fault(&gate, "memory-hog", &answer, 502, MEMORY, "memory").await;
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn memory_is_the_sum_over_all_memories_of_an_instance() {
    let two = crate::support::guest("two-memories");
    let gate = Setup::default()
        .component("small", &two, "limits = { memory = \"64MiB\" }")
        .component("large", &two, "limits = { memory = \"128MiB\" }")
        .route("path = \"/small\"\ncomponent = \"small\"")
        .route("path = \"/large\"\ncomponent = \"large\"")
        .start()
        .await;
    let answer = gate.get("/small").await.whole();
    assert_fault(&gate, "small", &answer, 502, MEMORY, "memory").await;
    assert_eq!(gate.get("/large").await.whole().status(), 200);
}

#[tokio::test]
async fn memory_that_is_denied_is_the_guests_own_affair() {
    let gate = Setup::default()
        .guest_with("memory-probe", "limits = { memory = \"16MiB\" }")
        .start()
        .await;
    for (mib, text) in [
        (1, "ok"),
        (10, "ok"),
        (16, "denied"),
        (4_000, "denied"),
        (5_000, "denied"),
    ] {
        let answer = gate.get(&format!("/memory-probe?mib={mib}")).await.whole();
        assert_eq!((answer.status(), answer.text()), (200, text), "{mib} MiB");
    }
}

#[tokio::test]
async fn a_request_body_beyond_its_limit_is_a_413() {
    let limit = "limits = { max_request_body = \"100KiB\" }";
    let gate = ["read-all", "read-all-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| s.guest_with(g, limit))
        .start()
        .await;
    for guest in ["read-all", "read-all-p3"] {
        let fits = gate
            .post(&format!("/{guest}"), vec![b'x'; 100 << 10])
            .await
            .whole();
        assert_eq!((fits.status(), fits.text()), (200, "102400"));
        let announced = gate
            .post(&format!("/{guest}"), vec![b'x'; (100 << 10) + 1])
            .await;
        assert_eq!(announced.status(), 413);
        let (frames, body) = streamed();
        let request = Request::post(format!("/{guest}")).body(body).unwrap();
        let feed = tokio::spawn(async move {
            let piece = || Frame::data(vec![b'x'; 1 << 10].into());
            while frames.send(piece()).await.is_ok() {}
        });
        let answer = gate.http2().await.send(request).await.unwrap();
        assert_eq!(answer.status(), 413, "{guest}");
        feed.abort();
        // A socket, since clients may give up when they cannot send the rest.
        let mut raw = gate.raw().await;
        let chunk = format!("400\r\n{}\r\n", "x".repeat(1 << 10));
        raw.send(format!(
            "POST /{guest} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
        .await;
        let answer = raw.send(chunk.repeat(200)).await.head().await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{guest}: {answer}");
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_response_body_beyond_its_limit_is_cut_off() {
    let limit = "limits = { max_response_body = \"10KiB\" }";
    let gate = ["stream", "stream-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| s.guest_with(g, limit))
        .start()
        .await;
    for guest in ["stream", "stream-p3"] {
        let fits = gate
            .get(&format!("/{guest}?chunks=10&size=1024"))
            .await
            .whole();
        assert_eq!(fits.body.len(), 10 << 10);
        for mut client in [gate.http1().await, gate.http2().await] {
            let path = format!("/{guest}?chunks=11&size=1024&delay_ms=5");
            let answer = client.get(&path).await;
            assert!(answer.broken.is_some() || answer.status() >= 500, "{guest}");
            assert!(answer.body.len() <= 10 << 10);
        }
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn what_one_guest_makes_the_host_hold_is_bounded() {
    let guests = ["many-resources", "huge-headers", "huge-random", "hello"];
    let gate = Gate::serving(guests).start().await;
    for path in [
        "/many-resources?n=100000",
        "/huge-headers?count=1000&size=1024",
        "/huge-random?bytes=104857600",
    ] {
        let answer = gate.get(path).await.whole();
        assert_eq!(answer.status(), 502, "{path}: {answer:?}");
    }
    for (path, text) in [
        ("/many-resources?n=500", "500"),
        ("/huge-headers?count=10&size=1024", "10"),
        ("/huge-random?bytes=65536", "65536"),
    ] {
        let answer = gate.get(path).await.whole();
        assert_eq!((answer.status(), answer.text()), (200, text), "{path}");
    }
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn empty_writes_cost_the_host_no_memory() {
    let gate = Setup::default()
        .guest_with(
            "empty-writes",
            "limits = { cpu = \"500ms\", timeout = \"10s\", stream_timeout = \"10s\" }",
        )
        .guest("hello")
        .start()
        .await;
    gate.get("/hello").await;
    let before = gate.resident();
    let answer = gate.get("/empty-writes").await;
    assert_eq!((answer.status(), answer.body.len()), (200, 0));
    assert!(answer.broken.is_some());
    let grown = gate.resident().saturating_sub(before) >> 20;
    assert!(grown < 32, "{grown} MiB");
}

#[tokio::test]
async fn what_a_guest_prints_is_in_the_log_line_by_line() {
    let gate = Gate::serving(["print"]).start().await;
    let answer = gate.get("/print?lines=3&bytes=5").await.whole();
    assert_eq!((answer.status(), answer.text()), (200, "printed"));
    let printed = || gate.log.with("target", "airgate::guest");
    eventually("eight lines", async || printed().len() == 8).await;
    let of = |channel: &str| -> Vec<String> {
        let lines = printed()
            .into_iter()
            .filter(|line| line["channel"] == channel);
        lines
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of("stdout"), ["ooooo", "ooooo", "ooooo", "fragment"]);
    assert_eq!(of("stderr"), ["eeeee", "eeeee", "eeeee", "fragment"]);
    let access = gate.log.line("airgate::access").await;
    for line in printed() {
        assert_eq!(line["component"], "print");
        assert_eq!(line["version"], access["version"]);
        assert_eq!(line["request_id"], access["request_id"]);
    }
}

#[tokio::test]
async fn what_a_guest_prints_is_bounded() {
    let limits = "limits = { cpu = \"30s\", timeout = \"60s\" }";
    let gate = Setup::default().guest_with("print", limits).start().await;
    let answer = gate.get("/print?lines=3000&bytes=10").await.whole();
    assert_eq!(answer.status(), 200);
    let dropped = gate.log.line("guest printed too much").await;
    assert!(dropped["dropped"].as_u64().unwrap() >= 5_000, "{dropped}");
    let printed = gate.log.with("target", "airgate::guest");
    assert!(printed.len() <= 1_000, "{} lines", printed.len());
    gate.get("/print?lines=1&bytes=1000000").await.whole();
    eventually("the long line", async || {
        let lines = gate.log.with("target", "airgate::guest");
        let longest = lines
            .iter()
            .map(|line| line["message"].as_str().unwrap().len())
            .max();
        longest.is_some_and(|longest| (1_000..=8 << 10).contains(&longest))
    })
    .await;
}

#[tokio::test]
async fn a_guest_has_nothing_that_was_not_granted() {
    let gate = Gate::serving(["ambient"])
        .environment("SECRET", "1")
        .start()
        .await;
    let answer = gate.get("/ambient").await.whole();
    let expected = "env=0\nargs=0\npreopens=0\ntcp=denied\nhttp=denied:http-request-denied\n";
    assert_eq!((answer.status(), answer.text()), (200, expected));
}

#[tokio::test]
async fn requests_beyond_max_requests_are_503_with_retry_after() {
    let gate = Gate::serving(["hello"])
        .guest_with("sleep", "limits = { timeout = \"60s\" }")
        .server("max_requests = 2")
        .start()
        .await;
    let slow = [1, 2].map(|_| gate.get("/sleep?ms=5000"));
    let slow = futures_util::future::join_all(slow);
    let refused = async {
        let held = async || gate.metrics().await.sum("http_server_active_requests", &[]);
        eventually("both are in flight", async || held().await == 2.0).await;
        gate.get("/hello").await.whole()
    };
    let (slow, refused) = tokio::join!(slow, refused);
    assert!(slow.iter().all(|answer| answer.status() == 200));
    assert_eq!(
        (refused.status(), refused.header("retry-after")),
        (503, "1")
    );
    assert_eq!(
        refused.header("proxy-status"),
        "airgate; error=connection_limit_reached"
    );
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn a_body_within_its_limit_streams_through_whatever_its_size() {
    let gate = Setup::default()
        .guest_with(
            "read-all",
            "limits = { max_request_body = \"0\", cpu = \"30s\", timeout = \"60s\" }",
        )
        .start()
        .await;
    let request = Request::post("/read-all")
        .body(body(vec![b'x'; 30 << 20]))
        .unwrap();
    let answer = gate.ask(request).await.whole();
    assert_eq!(answer.text(), (30 << 20).to_string());
}
