//! HTTP at the edge of the bus: publishing and waiting for a reply.

use std::time::{Duration, Instant};

use http::Request;

use super::{appended, component, member, ok};
use crate::support::{Gate, Setup, body, empty, get, streamed};

fn shop() -> Setup {
    let setup = member(Setup::default(), "handler", &["topic = \"orders.*\""]);
    setup
        .route("path = \"/publish\"\npublish = \"orders.created\"")
        .route("path = \"/request\"\nrequest = \"orders.reserve\"")
        .route("path = \"/hasty\"\nrequest = \"orders.reserve\"\ntimeout = \"500ms\"")
        .route("path = \"/nobody\"\nrequest = \"nowhere\"")
        .route("path = \"/quiet\"\npublish = \"nowhere\"")
}

async fn post(gate: &Gate, path: &str, text: &'static str) -> crate::support::Answer {
    let request = Request::post(path).header("content-type", "text/plain; charset=utf-8");
    gate.ask(request.body(body(text)).unwrap()).await
}

#[tokio::test]
async fn a_request_becomes_a_message_and_is_accepted() {
    let gate = shop().start().await;
    let answer = post(&gate, "/publish", "append got it").await;
    assert_eq!((answer.status(), answer.text()), (202, ""));
    assert_eq!(appended(&gate, "handler", "got", 1).await, ["it"]);
    assert_eq!(
        post(&gate, "/quiet", "x").await.status(),
        202,
        "nobody has to listen"
    );
    assert_eq!(gate.get("/publish").await.status(), 405);
}

#[tokio::test]
async fn a_request_waits_for_its_reply() {
    let gate = shop().start().await;
    let answer = post(&gate, "/request", "echo hello").await;
    assert_eq!((answer.status(), answer.text()), (200, "echo hello"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let answer = post(&gate, "/request", "reply-meta").await;
    let text = answer.text();
    assert!(
        text.starts_with("topic=orders.reserve content-type=text/plain; charset=utf-8"),
        "{text}"
    );
    assert!(
        text.contains("http-method=POST") && text.contains("http-path=/request"),
        "{text}"
    );
}

#[tokio::test]
async fn what_keeps_a_reply_away_has_a_status_of_its_own() {
    let gate = shop().start().await;
    for (path, text, status) in [
        ("/nobody", "x", 503),
        ("/request", "silent", 502),
        ("/request", "fail on purpose", 502),
        ("/request", "trap", 502),
        ("/hasty", "sleep 50000", 504),
    ] {
        let began = Instant::now();
        let answer = post(&gate, path, text).await;
        assert_eq!(answer.status(), status, "{path} {text}: {}", answer.text());
        assert!(began.elapsed() < Duration::from_secs(10), "{path} {text}");
        assert!(
            !answer.text().contains("on purpose"),
            "no guest's message reaches a client"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let setup = shop().lines("[bus]\nmax_message = \"16KiB\"");
    let gate = setup.start().await;
    for path in ["/publish", "/request"] {
        let answer = gate.post(path, vec![b'x'; 16 << 10 | 1]).await;
        assert_eq!(answer.status(), 413, "{path}");
        // Without a length beforehand it is counted.
        let (frames, stream) = streamed();
        let request = Request::post(path).body(stream).unwrap();
        let feed = async {
            for _ in 0..20 {
                let frame = http_body::Frame::data(vec![b'x'; 1 << 10].into());
                if frames.send(frame).await.is_err() {
                    break;
                }
            }
            drop(frames);
        };
        let (answer, ()) = tokio::join!(gate.ask(request), feed);
        assert_eq!(answer.status(), 413, "{path}");
    }
    assert_eq!(post(&gate, "/request", "echo x").await.status(), 200);
}

#[tokio::test]
async fn a_full_queue_is_told_to_the_client() {
    let slow = "topic = \"slow\"\nqueue = 2\nconcurrency = 1";
    let setup = member(Setup::default(), "handler", &[slow])
        .lines("[component.handler.limits]\ntimeout = \"60s\"");
    let gate = setup
        .route("path = \"/slow\"\npublish = \"slow\"")
        .start()
        .await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(post(&gate, "/slow", "sleep 50000").await.status());
    }
    assert!(
        statuses.starts_with(&[202, 202]) && statuses.ends_with(&[503, 503]),
        "{statuses:?}"
    );
    let answer = post(&gate, "/slow", "x").await;
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_client_that_goes_away_publishes_nothing_and_cancels_its_request() {
    let gate = shop().start().await;
    let (frames, stream) = streamed();
    let mut connection = gate.http1().await;
    let request = Request::post("/publish").body(stream).unwrap();
    let asking = connection.ask(request);
    let frame = http_body::Frame::data("append got half".into());
    let feed = async {
        frames.send(frame).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        _ = asking => panic!("its body has not ended"),
        () = feed => {}
    }
    drop(connection);
    drop(frames);
    let answer = post(&gate, "/publish", "append got whole").await;
    assert_eq!(answer.status(), 202);
    assert_eq!(appended(&gate, "handler", "got", 1).await, ["whole"]);
    gate.at_rest().await;
}

#[tokio::test]
async fn a_component_answers_on_a_route_without_a_handler_of_requests() {
    let setup = component(
        Setup::default(),
        "echo",
        "counter-echo",
        "",
        &["topic = \"echo\""],
    );
    let gate = setup
        .route("path = \"/echo\"\nrequest = \"echo\"")
        .start()
        .await;
    let answer = post(&gate, "/echo", "any body").await;
    assert_eq!((answer.status(), answer.text()), (200, "any body"));
    let routes = gate.admin(get("/v1/routes")).await.json();
    assert_eq!(routes[0]["target"]["request"], "echo", "{routes}");
    let answer = gate
        .ask(Request::head("/echo").body(empty()).unwrap())
        .await;
    assert_eq!(answer.status(), 405);
    assert_eq!(ok(&post(&gate, "/echo", "again").await), "again");
}
