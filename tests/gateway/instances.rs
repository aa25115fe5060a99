//! The pool: fresh, reused and shared instances, and how many there are.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::BodyExt as _;

use crate::support::{Gate, Setup, eventually, get};

#[tokio::test]
async fn fresh_is_really_fresh() {
    let gate = Gate::serving(["counter", "counter-p3"]).start().await;
    for mut client in [gate.http1().await, gate.http2().await] {
        for guest in ["/counter", "/counter-p3"].repeat(10) {
            assert_eq!(client.get(guest).await.whole().text(), "1", "{guest}");
        }
    }
}

#[tokio::test]
async fn a_reused_instance_serves_as_often_as_it_may() {
    let gate = ["counter", "counter-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| {
            s.guest_with(g, "instances = { reuse = 3 }")
        })
        .start()
        .await;
    let mut client = gate.http1().await;
    for guest in ["/counter", "/counter-p3"] {
        for count in [1, 2, 3, 1, 2, 3, 1] {
            assert_eq!(client.get(guest).await.text(), count.to_string(), "{guest}");
            // It is given back when its guest has ended, which may be after its answer.
            gate.at_rest().await;
        }
    }
}

/// Two routes to one component: the second path makes the guest fail.
#[tokio::test]
async fn an_instance_that_failed_is_never_used_again() {
    let reuse = "instances = { reuse = 100 }\nlimits = { timeout = \"300ms\", stream_timeout = \"500ms\", cpu = \"200ms\" }";
    let guests = [
        "trap",
        "hang",
        "spin",
        "exit",
        "stall-body",
        "hang-p3",
        "trap-p3",
    ];
    let gate = guests
        .into_iter()
        .fold(Setup::default(), |s, g| s.guest_with(g, reuse))
        .start()
        .await;
    for guest in guests {
        for _ in 0..2 {
            gate.get(&format!("/{guest}")).await;
        }
        gate.at_rest().await;
        assert_eq!(gate.instances(guest, "idle").await, 0.0, "{guest}");
    }
}

#[tokio::test]
async fn an_instance_that_left_its_body_unfinished_is_never_used_again() {
    let gate = Setup::default()
        .guest_with("unfinished-body", "instances = { reuse = 100 }")
        .start()
        .await;
    gate.get("/unfinished-body").await;
    gate.at_rest().await;
    assert_eq!(gate.instances("unfinished-body", "idle").await, 0.0);
}

#[tokio::test]
async fn an_instance_whose_client_went_away_is_never_used_again() {
    let lines = "instances = { reuse = 100 }\nlimits = { timeout = \"60s\" }";
    let gate = ["endless", "sleep", "sleep-p3"]
        .into_iter()
        .fold(Setup::default(), |s, g| s.guest_with(g, lines))
        .start()
        .await;
    for path in ["/endless", "/sleep?ms=60000", "/sleep-p3?ms=60000"] {
        let guest = path[1..].split('?').next().unwrap();
        let mut raw = gate.raw().await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        eventually("the guest is busy", async || {
            gate.instances(guest, "busy").await == 1.0
        })
        .await;
        drop(raw);
        eventually("the guest is gone", async || {
            gate.instances(guest, "busy").await == 0.0
        })
        .await;
        assert_eq!(gate.instances(guest, "idle").await, 0.0, "{guest}");
    }
}

#[tokio::test]
async fn an_http2_reset_cancels_the_guest() {
    let limits = "limits = { timeout = \"60s\" }";
    let gate = Setup::default()
        .guest_with("hang", limits)
        .guest_with("hang-p3", limits)
        .start()
        .await;
    let client = gate.http2().await;
    for guest in ["hang", "hang-p3"] {
        let mut stream = client.streams();
        let request = tokio::spawn(async move { stream.get(&format!("/{guest}")).await });
        eventually("the guest is busy", async || {
            gate.instances(guest, "busy").await == 1.0
        })
        .await;
        request.abort();
        eventually("the guest is gone", async || {
            gate.instances(guest, "busy").await == 0.0
        })
        .await;
    }
}

#[tokio::test]
async fn one_instance_serves_as_many_at_once_as_concurrent_says() {
    let gate = Setup::default()
        .guest_with(
            "inflight-p3",
            "instances = { reuse = 1000, concurrent = 4, max = 1 }\nlimits = { timeout = \"60s\" }",
        )
        .start()
        .await;
    let answers = join_all((0..4).map(|_| gate.get("/inflight-p3?ms=3000"))).await;
    let most: Vec<u32> = answers
        .iter()
        .map(|answer| answer.text().parse().unwrap())
        .collect();
    assert_eq!(most.iter().max(), Some(&4), "{most:?}");
    for _ in 0..5 {
        let answers = join_all((0..4).map(|_| gate.get("/inflight-p3?ms=50"))).await;
        for answer in answers {
            assert_eq!((answer.status(), answer.text()), (200, "4"));
        }
    }
}

#[tokio::test]
async fn a_request_in_the_queue_gets_the_next_place_in_a_shared_instance() {
    let gate = Setup::default()
        .guest_with(
            "inflight-p3",
            "instances = { reuse = 1000, concurrent = 2, max = 1 }",
        )
        .start()
        .await;
    let regulars = join_all([0, 100].map(|wait| {
        let gate = &gate;
        async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let mut client = gate.http1().await;
            for _ in 0..15 {
                client.get("/inflight-p3?ms=200").await;
            }
        }
    }));
    let third = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        gate.get("/inflight-p3?ms=1").await
    };
    let (_, third) = tokio::join!(regulars, third);
    assert_eq!(
        third.status(),
        200,
        "{}: a place was free ten times a second",
        third.text()
    );
}

#[tokio::test]
async fn a_request_abandoned_among_others_taints_the_instance_and_harms_nobody() {
    let gate = Setup::default()
        .guest_with(
            "inflight-p3",
            "instances = { reuse = 1000, concurrent = 4, max = 1 }\nlimits = { timeout = \"60s\" }",
        )
        .start()
        .await;
    let mut gone = gate.raw().await;
    gone.send("GET /inflight-p3?ms=60000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    eventually("others can join it", async || {
        gate.get("/inflight-p3?ms=1").await.text() == "2"
    })
    .await;
    let neighbour = gate.get("/inflight-p3?ms=3000");
    let leave = async {
        let held = async || gate.metrics().await.sum("http_server_active_requests", &[]);
        eventually("the neighbour is there", async || held().await == 2.0).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(gone);
    };
    let (neighbour, ()) = tokio::join!(neighbour, leave);
    assert_eq!((neighbour.status(), neighbour.text()), (200, "2"));
    gate.at_rest().await;
    assert_eq!(gate.get("/inflight-p3?ms=1").await.text(), "1");
}

#[tokio::test]
async fn requests_that_joined_a_failing_instance_fail_with_it() {
    let gate = Setup::default()
        .guest_with("spin-p3", "instances = { reuse = 100, concurrent = 4 }\nlimits = { cpu = \"100ms\", timeout = \"25s\" }")
        .start()
        .await;
    let began = Instant::now();
    let answers = join_all((0..4).map(|_| gate.get("/spin-p3"))).await;
    for answer in &answers {
        let error = "airgate; error=http_response_timeout; details=\"cpu\"";
        assert_eq!(
            (answer.status(), answer.header("proxy-status")),
            (504, error),
            "{}",
            answer.text()
        );
    }
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(20),
        "they waited {took:?} for an instance that was gone"
    );
    gate.at_rest().await;
}

#[tokio::test]
async fn ready_instances_are_there_before_anybody_asks() {
    let gate = Setup::default()
        .guest_with("counter", "instances = { ready = 3 }")
        .start()
        .await;
    let ready = async || gate.instances("counter", "ready").await == 3.0;
    eventually("three are ready", ready).await;
    for _ in 0..10 {
        assert_eq!(gate.get("/counter").await.text(), "1");
    }
    eventually("three are ready again", ready).await;
}

#[tokio::test]
async fn idle_instances_are_dropped_after_their_time() {
    let gate = Setup::default()
        .guest_with(
            "counter",
            "instances = { reuse = 100, idle_timeout = \"5s\" }",
        )
        .start()
        .await;
    assert_eq!(gate.get("/counter").await.text(), "1");
    gate.at_rest().await;
    assert_eq!(gate.get("/counter").await.text(), "2");
    eventually("it is idle", async || {
        gate.instances("counter", "idle").await == 1.0
    })
    .await;
    eventually("it is dropped", async || {
        gate.instances("counter", "idle").await == 0.0
    })
    .await;
    assert_eq!(gate.get("/counter").await.text(), "1");
}

#[tokio::test]
async fn requests_beyond_max_queue_and_then_are_503_with_retry_after() {
    let gate = Setup::default()
        .guest_with(
            "sleep",
            "instances = { max = 2 }\nlimits = { timeout = \"60s\" }",
        )
        .start()
        .await;
    let queued = join_all((0..4).map(|_| gate.get("/sleep?ms=200"))).await;
    assert!(queued.iter().all(|answer| answer.status() == 200));
    // So long that nobody who waits a second meets their end.
    let mut answers = join_all((0..6).map(|_| gate.get("/sleep?ms=6000"))).await;
    answers.retain(|answer| answer.status() != 200);
    assert_eq!(
        answers.len(),
        4,
        "two served, two in vain in the queue, two beyond it"
    );
    for refused in answers {
        assert_eq!(
            (refused.status(), refused.header("retry-after")),
            (503, "1")
        );
        assert_eq!(
            refused.header("proxy-status"),
            "airgate; error=connection_limit_reached"
        );
    }
    gate.at_rest().await;
}

#[tokio::test]
async fn a_guest_that_leaves_tasks_behind_is_neither_waited_for_nor_used_again() {
    let gate = Setup::default()
        .guest_with(
            "background-p3",
            "instances = { reuse = 100 }\nlimits = { timeout = \"8s\", stream_timeout = \"8s\" }",
        )
        .start()
        .await;
    for _ in 0..5 {
        let began = Instant::now();
        let answer = gate.get("/background-p3").await.whole();
        assert_eq!((answer.status(), answer.text()), (200, "answered"));
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(gate.instances("background-p3", "idle").await, 0.0);
    }
    gate.at_rest().await;
    assert_eq!(gate.instances("background-p3", "idle").await, 0.0);
}

#[tokio::test]
async fn a_client_that_leaves_an_endless_body_stops_its_guest_at_once() {
    let gate = Gate::serving(["endless", "endless-p3", "stall-body"])
        .start()
        .await;
    for guest in ["endless", "endless-p3", "stall-body"] {
        for mut client in [gate.http1().await, gate.http2().await] {
            let mut response = client.send(get(&format!("/{guest}"))).await.unwrap();
            response.frame().await.unwrap().unwrap();
            drop((response, client));
            // Nobody else would stop it for a minute.
            eventually("the guest is gone", async || {
                gate.instances(guest, "busy").await == 0.0
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_guest_with_two_memories_or_many_is_one_instance_of_the_pool() {
    let gate = Setup::default()
        .guest_with(
            "two-memories",
            "limits = { memory = \"128MiB\" }\ninstances = { max = 1 }",
        )
        .start()
        .await;
    for _ in 0..5 {
        assert_eq!(gate.get("/two-memories").await.status(), 200);
    }
}

#[tokio::test]
async fn a_client_that_leaves_with_half_its_body_unread_cancels_the_guest() {
    let limits = "limits = { timeout = \"60s\" }";
    let gate = Setup::default().guest_with("hang", limits).start().await;
    let mut raw = gate.raw().await;
    raw.send("POST /hang HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
        .await;
    eventually("the guest is busy", async || {
        gate.instances("hang", "busy").await == 1.0
    })
    .await;
    drop(raw);
    eventually("the guest is gone", async || {
        gate.instances("hang", "busy").await == 0.0
    })
    .await;
}

#[tokio::test]
async fn timeouts_in_a_shared_instance_set_it_free() {
    let gate = Setup::default()
        .guest_with(
            "hang-p3",
            "instances = { reuse = 100, concurrent = 4 }\nlimits = { timeout = \"300ms\" }",
        )
        .start()
        .await;
    let answers = join_all((0..6).map(|_| gate.get("/hang-p3"))).await;
    assert!(answers.iter().all(|answer| answer.status() == 504));
    gate.at_rest().await;
    assert_eq!(gate.instances("hang-p3", "idle").await, 0.0);
}

#[tokio::test]
async fn a_trap_in_a_shared_instance_is_a_502_for_those_inside_and_no_more() {
    let gate = Setup::default()
        .guest_with("trap-p3", "instances = { reuse = 100, concurrent = 4 }")
        .guest("hello-p3")
        .start()
        .await;
    for _ in 0..10 {
        let answers = join_all((0..8).map(|_| gate.get("/trap-p3"))).await;
        assert!(answers.iter().all(|answer| answer.status() == 502));
    }
    assert_eq!(gate.get("/hello-p3").await.status(), 200);
    gate.at_rest().await;
}

#[tokio::test]
async fn a_stream_timeout_holds_for_each_request_of_a_shared_instance() {
    let gate = Setup::default()
        .guest_with("stream-p3", "instances = { reuse = 1000, concurrent = 4 }\nlimits = { timeout = \"2s\", stream_timeout = \"2s\" }")
        .start()
        .await;
    let began = Instant::now();
    let long = gate.get("/stream-p3?chunks=100&delay_ms=100&size=1");
    let others = async {
        for _ in 0..24 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            gate.get("/stream-p3?chunks=2&delay_ms=10&size=1").await;
        }
    };
    let (long, ()) = tokio::join!(async { (long.await, began.elapsed()) }, others);
    let (answer, took) = long;
    assert!(
        answer.broken.is_some(),
        "{} chunks in {took:?}",
        answer.body.len()
    );
    // With the last of the others it would be nine seconds.
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn a_place_in_the_queue_is_free_again_when_its_client_leaves() {
    let gate = Setup::default()
        .guest_with(
            "sleep",
            "instances = { max = 1 }\nlimits = { timeout = \"60s\" }",
        )
        .start()
        .await;
    let mut first = gate.raw().await;
    first
        .send("GET /sleep?ms=60000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    eventually("the first is served", async || {
        gate.instances("sleep", "busy").await == 1.0
    })
    .await;
    let mut queued = gate.raw().await;
    queued
        .send("GET /sleep?ms=1 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    let held =
        async |count: f64| gate.metrics().await.sum("http_server_active_requests", &[]) == count;
    eventually("the second waits", async || held(2.0).await).await;
    drop(queued);
    eventually("the second has left", async || held(1.0).await).await;
    // Who finds no place in the queue is refused at once.
    let began = Instant::now();
    assert_eq!(gate.get("/sleep?ms=1").await.status(), 503);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(900), "only {waited:?}");
    drop(first);
    gate.at_rest().await;
    assert_eq!(gate.get("/sleep?ms=1").await.status(), 200);
}
