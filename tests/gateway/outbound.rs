//! Requests of guests to servers: what is granted arrives, nothing else leaves, and whatever
//! a server does, it has an end.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    Answer, Authority, Gate, Origin, Raw, RequestBody, Setup, body, collected, empty, encoded,
    eventually, get, streamed, within,
};

const GUESTS: [&str; 2] = ["fetch", "fetch-p3"];

/// One guest with these capabilities, and more lines of its own.
fn guest_with(setup: Setup, guest: &str, capabilities: &str, lines: &str) -> Setup {
    let capabilities = format!("{lines}\n[component.{guest}.capabilities]\n{capabilities}");
    setup.guest_with(guest, &capabilities)
}

/// Both fetching guests with these capabilities.
fn granted(capabilities: &str) -> Setup {
    limited(capabilities, "")
}

fn limited(capabilities: &str, lines: &str) -> Setup {
    let add = |setup, guest| guest_with(setup, guest, capabilities, lines);
    GUESTS.into_iter().fold(Setup::default(), add)
}

/// Capabilities that lead to this origin by its address.
fn leading_to(origin: &Origin) -> String {
    format!("http = [{:?}]\nprivate_networks = true", origin.grant())
}

/// What the guest says came of its request.
async fn fetched(gate: &Gate, guest: &str, query: &str) -> Answer {
    gate.get(&format!("/{guest}?{query}")).await.whole()
}

async fn failures(gate: &Gate, guest: &str, error: &str) -> f64 {
    let labels = [("component", guest), ("error_type", error)];
    gate.metrics()
        .await
        .sum("http_client_request_duration_seconds_count", &labels)
}

/// The head of a response to a request that nobody reads further.
async fn after_head(stream: tokio::net::TcpStream, answer: &str) -> Raw {
    let mut raw = Raw { stream };
    raw.head().await;
    raw.send(answer).await;
    raw
}

/// What is said of a body that broke off. Of the host's errors wasmtime tells a guest of
/// WASI 0.2 only that there was one.
fn broken(guest: &str, code: &str) -> String {
    match guest {
        "fetch" => "error:body-io\n".into(),
        _ => format!("error:{code}\n"),
    }
}

async fn echo(request: Request<hyper::body::Incoming>) -> Response<RequestBody> {
    Response::new(body(collected(request.into_body()).await))
}

#[tokio::test]
async fn a_granted_request_arrives_as_it_was_sent() {
    let origin = Origin::serving(echo).await;
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        let url = origin.url("/a/b?c=d");
        let query = format!("url={url}&method=POST&body=hello&header=x-own:1&header=x-own:2");
        let answer = fetched(&gate, guest, &query).await;
        assert_eq!(answer.text(), "200 5 hello\n", "{guest}");
        let seen = origin.last();
        assert_eq!(
            (seen.method.as_str(), seen.version),
            ("POST", Version::HTTP_11)
        );
        assert_eq!(seen.uri, "/a/b?c=d");
        assert_eq!(seen.header("host"), format!("127.0.0.1:{}", origin.port()));
        let own: Vec<_> = seen.headers.get_all("x-own").iter().collect();
        assert_eq!(own, ["1", "2"]);
        // Nothing of the client, and nothing of the gateway.
        let mut names: Vec<_> = seen.headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        names.retain(|name| !["content-length", "transfer-encoding"].contains(name));
        assert_eq!(names, ["host", "x-own"], "{guest}");
    }
}

#[tokio::test]
async fn the_target_is_the_host_whatever_the_guest_says() {
    let origin = Origin::ok().await;
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        let query = format!("url={}&header=host:evil.example", origin.url("/"));
        let answer = fetched(&gate, guest, &query).await;
        assert_eq!(answer.text(), "denied:forbidden\n", "{guest}");
    }
    assert_eq!(origin.accepted(), 0);
}

#[tokio::test]
async fn an_answer_is_passed_on_as_it_comes() {
    let (frames, stream) = streamed();
    let stream = Arc::new(Mutex::new(Some(stream)));
    let origin = Origin::serving(move |_| {
        let stream = stream.lock().unwrap().take().unwrap_or_else(empty);
        async { Response::new(stream) }
    })
    .await;
    let gate = granted(&leading_to(&origin)).start().await;
    let mut client = gate.http1().await;
    let request = get(&format!("/fetch?stream=1&url={}", origin.url("/")));
    let mut answer = client.send(request).await.unwrap();
    for piece in ["one", "two", "three"] {
        // Each is sent only when the one before it has been received.
        frames.send(Frame::data(Bytes::from(piece))).await.unwrap();
        let mut received = Vec::new();
        while received.len() < piece.len() {
            let frame = within(Duration::from_secs(10), piece, answer.frame()).await;
            received.extend_from_slice(&frame.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(received, piece.as_bytes());
    }
    drop(frames);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn a_broken_answer_is_not_a_whole_one() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial";
    let origin = Origin::raw(move |stream| async move { drop(after_head(stream, head).await) });
    let origin = origin.await;
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        let url = origin.url("/");
        let answer = fetched(&gate, guest, &format!("url={url}")).await;
        assert_eq!(answer.text(), broken(guest, "http-response-incomplete"));
    }
    let path = format!("/fetch?stream=1&url={}", origin.url("/"));
    let passed_on = gate.get(&path).await;
    assert_eq!(passed_on.status(), 200);
    assert!(passed_on.broken.is_some(), "{passed_on:?}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_error_and_says_which() {
    let silent = Origin::raw(async |stream| {
        Raw { stream }.head().await;
    });
    let reset = Origin::raw(async |stream| {
        let mut raw = Raw { stream };
        raw.head().await;
        let socket = socket2::SockRef::from(&raw.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    });
    let malformed = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a length\r\n";
    let malformed =
        Origin::raw(move |stream| async move { drop(after_head(stream, malformed).await) });
    let (silent, reset, malformed) = tokio::join!(silent, reset, malformed);
    let grants = [&silent, &reset, &malformed].map(Origin::grant);
    let gate = granted(&format!("http = {grants:?}\nprivate_networks = true"));
    let gate = gate.start().await;
    for (origin, error) in [
        (&silent, "http-response-incomplete"),
        (&reset, "connection-terminated"),
    ] {
        for guest in GUESTS {
            let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
            assert_eq!(answer.text(), format!("error:{error}\n"), "{guest}");
        }
    }
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", malformed.url("/"))).await;
        assert_eq!(answer.text(), broken(guest, "http-protocol-error"));
    }
}

#[tokio::test]
async fn what_is_not_granted_is_denied_counted_and_told() {
    let (origin, other) = (Origin::ok().await, Origin::ok().await);
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", other.url("/secret?a=b"))).await;
        assert_eq!(answer.text(), "denied:http-request-denied\n");
        assert_eq!(gate.denied(guest, "http").await, 1.0, "{guest}");
        let events = gate.audit_of(guest).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = &events[0];
        assert_eq!(
            (&event["kind"], &event["component"]),
            (&"denied".into(), &guest.into())
        );
        assert_eq!(
            (&event["capability"], &event["repeated"]),
            (&"http".into(), &1.into())
        );
        assert_eq!(event["target"], other.grant());
        assert_eq!(event["detail"], "no grant covers it");
        let id = event["request_id"].as_str().unwrap();
        assert_eq!(gate.log.access(id).await["component"], guest);
        let told = async || {
            let lines = gate.log.with("message", "capability denied");
            lines.into_iter().find(|line| line["request_id"] == id)
        };
        eventually("the log tells it", async || told().await.is_some()).await;
        let line = told().await.unwrap();
        assert_eq!(line["touched"], other.grant());
        assert_eq!(
            (&line["level"], &line["component"]),
            (&"WARN".into(), &guest.into())
        );
    }
    assert_eq!(other.accepted(), 0);
    // The neighbour's grant is not theirs.
    assert_eq!(
        fetched(&gate, "fetch", &format!("url={}", origin.url("/")))
            .await
            .text(),
        "200 2 ok\n"
    );
    assert_eq!(gate.denied("fetch", "http").await, 1.0);
}

#[tokio::test]
async fn a_guest_without_grants_reaches_nobody() {
    let origin = Origin::ok().await;
    let gate = Gate::serving(GUESTS).start().await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(answer.text(), "denied:http-request-denied\n", "{guest}");
        assert_eq!(gate.denied(guest, "http").await, 1.0);
    }
    assert_eq!(origin.accepted(), 0);
}

#[tokio::test]
async fn scheme_host_and_port_must_all_be_granted() {
    let (by_address, by_name) = (Origin::ok().await, Origin::ok().await);
    let below = Origin::ok().await;
    let grants = format!(
        "http = [{:?}, \"http://localhost:{}\", \"http://*.localhost:{}\"]\nprivate_networks = true",
        by_address.grant(),
        by_name.port(),
        below.port(),
    );
    let gate = granted(&grants).start().await;
    let accepted = [
        by_address.url("/"),
        by_name.url_by("http", "localhost", "/"),
        by_name.url_by("http", "LocalHost", "/"),
    ];
    for url in accepted {
        let answer = fetched(&gate, "fetch", &format!("url={url}")).await;
        assert_eq!(answer.text(), "200 2 ok\n", "{url}");
    }
    let refused = [
        by_address.url_by("https", "127.0.0.1", "/"),
        by_address.url_by("http", "localhost", "/"),
        by_address.url_by("http", "127.0.0.2", "/"),
        by_address.url_by("http", "127.1", "/"),
        by_address.url_by("http", "2130706433", "/"),
        by_address.url_by("http", "0x7f000001", "/"),
        by_address.url_by("http", "[::1]", "/"),
        by_name.url("/"),
        by_name.url_by("http", "a.localhost", "/"),
        by_name.url_by("http", "localhost.evil.example", "/"),
        below.url_by("http", "localhost", "/"),
        below.url_by("http", "xlocalhost", "/"),
        encoded("http://127.0.0.1/"),
    ];
    let count = refused.len();
    for url in refused {
        let answer = fetched(&gate, "fetch", &format!("url={url}")).await;
        assert_eq!(answer.text(), "denied:http-request-denied\n", "{url}");
    }
    assert_eq!(gate.denied("fetch", "http").await, count as f64);
    assert_eq!((by_address.seen().len(), by_name.seen().len()), (1, 2));
    assert_eq!(below.accepted(), 0);
}

#[tokio::test]
async fn a_user_in_an_address_is_never_mistaken_for_its_host() {
    let (origin, other) = (Origin::ok().await, Origin::ok().await);
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        for url in [
            format!(
                "http://127.0.0.1:{}@127.0.0.1:{}/",
                origin.port(),
                other.port()
            ),
            format!("http://user@127.0.0.1:{}/", origin.port()),
        ] {
            let answer = fetched(&gate, guest, &format!("url={}", encoded(&url))).await;
            let denied =
                answer.text().starts_with("denied:") || answer.text().starts_with("error:");
            assert!(denied, "{guest} {url}: {}", answer.text());
        }
    }
    assert_eq!((origin.accepted(), other.accepted()), (0, 0));
}

#[tokio::test]
async fn any_host_means_no_private_one_unless_that_is_granted_too() {
    let origin = Origin::ok().await;
    let any = format!("http = [\"http://*:{}\"]", origin.port());
    let gate = granted(&any).start().await;
    for guest in GUESTS {
        for (host, denied) in [
            ("127.0.0.1", "denied:http-request-denied\n"),
            ("0.0.0.0", "denied:http-request-denied\n"),
            ("[::1]", "denied:http-request-denied\n"),
            ("[::ffff:127.0.0.1]", "denied:http-request-denied\n"),
            ("169.254.169.254", "denied:http-request-denied\n"),
            // Only its address tells.
            ("localhost", "denied:destination-ip-prohibited\n"),
        ] {
            let url = origin.url_by("http", host, "/");
            let answer = fetched(&gate, guest, &format!("url={url}")).await;
            assert_eq!(answer.text(), denied, "{guest} {host}");
            let events = gate.audit_of(guest).await;
            let detail = events[0]["detail"].as_str().unwrap();
            assert!(detail.contains("private_networks"), "{host}: {detail}");
        }
        assert_eq!(gate.denied(guest, "http").await, 6.0);
    }
    assert_eq!(origin.accepted(), 0);
    drop(gate);
    let gate = granted(&format!("{any}\nprivate_networks = true"));
    let gate = gate.start().await;
    for host in ["127.0.0.1", "localhost"] {
        let url = origin.url_by("http", host, "/");
        assert_eq!(
            fetched(&gate, "fetch", &format!("url={url}")).await.text(),
            "200 2 ok\n"
        );
    }
}

/// No grant reaches the admin listener, by no spelling of its address, nor does audit mode.
#[tokio::test]
async fn the_admin_listener_is_out_of_reach() {
    for mode in ["enforce", "audit"] {
        let everything = "http = [\"http://*:*\", \"http://127.0.0.1:*\"]\nprivate_networks = true";
        let gate = granted(&format!("{everything}\nmode = {mode:?}"))
            .start()
            .await;
        let port = gate.admin_address().port();
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "localhost",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
            "[::]",
            "127.1",
            "2130706433",
        ] {
            for guest in GUESTS {
                let url = encoded(&format!("http://{host}:{port}/livez"));
                let answer = fetched(&gate, guest, &format!("url={url}")).await;
                assert!(
                    !answer.text().starts_with("200"),
                    "{host}: {}",
                    answer.text()
                );
                let newest = &gate.audit_of(guest).await[0];
                let detail = newest["detail"].as_str().unwrap();
                // In disguise it is refused before anybody looks where it leads.
                let disguised =
                    mode == "enforce" && detail == "it is not the name or address of a host";
                assert!(
                    disguised || detail.contains("admin listener"),
                    "{host}: {detail}"
                );
                assert_eq!(newest["kind"], "denied", "{mode} {host}");
            }
        }
    }
}

#[tokio::test]
async fn audit_mode_lets_through_what_it_reports() {
    let origin = Origin::ok().await;
    let gate = granted("mode = \"audit\"").start().await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(answer.text(), "200 2 ok\n", "{guest}");
        let events = gate.audit_of(guest).await;
        assert!(
            !events.is_empty() && events.iter().all(|event| event["kind"] == "audited"),
            "{events:?}"
        );
        assert!(gate.denied(guest, "http").await >= 1.0);
    }
}

#[tokio::test]
async fn redirects_are_the_guests_business() {
    let target = Origin::ok().await;
    let location: HeaderValue = target.grant().parse().unwrap();
    let origin = Origin::serving(move |_| {
        let mut response = Response::new(body("moved"));
        *response.status_mut() = http::StatusCode::FOUND;
        response.headers_mut().insert("location", location.clone());
        async { response }
    })
    .await;
    let grants = format!(
        "http = [{:?}, {:?}]\nprivate_networks = true",
        origin.grant(),
        target.grant()
    );
    let gate = granted(&grants).start().await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(answer.text(), "302 5 moved\n", "{guest}");
    }
    assert_eq!((origin.seen().len(), target.accepted()), (2, 0));
}

#[tokio::test]
async fn nothing_is_asked_for_or_decoded_on_behalf_of_the_guest() {
    let origin = Origin::serving(async |_| {
        let mut response = Response::new(body(&b"\x1f\x8b\x08\x00not really"[..]));
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert("content-encoding", gzip);
        response
    })
    .await;
    let gate = granted(&leading_to(&origin)).start().await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(
            answer.text(),
            "200 14 \\x1f\\x8b\\x08\\x00not really\n",
            "{guest}"
        );
        assert_eq!(origin.last().header("accept-encoding"), "");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let origin = Origin::ok().await;
    let setup = guest_with(Setup::default(), "fetch", &leading_to(&origin), "");
    let reuse = "instances = { reuse = 1_000 }";
    let gate = guest_with(setup, "fetch-p3", &leading_to(&origin), reuse)
        .start()
        .await;
    let mut client = gate.http1().await;
    for guest in GUESTS {
        let before = origin.accepted();
        for _ in 0..50 {
            let path = format!("/{guest}?url={}", origin.url("/"));
            assert_eq!(client.get(&path).await.text(), "200 2 ok\n");
        }
        let made = origin.accepted() - before;
        // No component has the connections of another.
        assert!((1..=4).contains(&made), "{guest}: {made} connections");
    }
    assert_eq!(origin.seen().len(), 100);
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_fails_no_request() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let origin = Origin::raw(move |stream| async move {
        let mut raw = after_head(stream, answer).await;
        // Without a word that it would be closed.
        let _ = raw.stream.shutdown().await;
        raw.rest().await;
    })
    .await;
    let gate = granted(&leading_to(&origin)).start().await;
    let mut client = gate.http1().await;
    for count in 1..=10 {
        let path = format!("/fetch?url={}", origin.url("/"));
        assert_eq!(client.get(&path).await.text(), "200 2 ok\n");
        assert_eq!(origin.accepted(), count);
        origin.open(0).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_given_up() {
    let origin = Origin::raw(async |stream| drop(Raw { stream }.rest().await)).await;
    let gate = granted(&leading_to(&origin))
        .lines("[outbound]\nconnect_timeout = \"200ms\"\nfirst_byte_timeout = \"200ms\"")
        .start()
        .await;
    for guest in GUESTS {
        let began = Instant::now();
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(answer.text(), "error:http-response-timeout\n", "{guest}");
        let took = began.elapsed();
        assert!(
            took >= Duration::from_millis(200) && took < Duration::from_secs(5),
            "{took:?}"
        );
        origin.open(0).await;
        assert_eq!(failures(&gate, guest, "timeout").await, 1.0);
    }
    assert_eq!(origin.accepted(), 2);
}

#[tokio::test]
async fn a_guest_may_have_less_patience_but_not_more() {
    let origin = Origin::raw(async |stream| drop(Raw { stream }.rest().await)).await;
    // The gate's patience is the sum of both.
    let gate = limited(&leading_to(&origin), "limits = { timeout = \"25s\" }")
        .lines("[outbound]\nconnect_timeout = \"2s\"\nfirst_byte_timeout = \"2s\"")
        .start()
        .await;
    for guest in GUESTS {
        for (asked, least, most) in [(50, 50, 4_000), (60_000, 2_000, 20_000)] {
            let began = Instant::now();
            let query = format!("url={}&timeout_ms={asked}", origin.url("/"));
            let answer = fetched(&gate, guest, &query).await;
            assert_eq!(answer.text(), "error:http-response-timeout\n", "{guest}");
            let took = began.elapsed().as_millis();
            assert!((least..most).contains(&took), "{guest} {asked}: {took} ms");
        }
    }
    origin.open(0).await;
}

#[tokio::test]
async fn an_answer_that_stops_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial";
    let origin = Origin::raw(move |stream| async move {
        after_head(stream, head).await.rest().await;
    })
    .await;
    let gate = granted(&leading_to(&origin))
        .lines("[outbound]\nbetween_bytes_timeout = \"200ms\"")
        .start()
        .await;
    for guest in GUESTS {
        let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
        assert_eq!(answer.text(), broken(guest, "connection-read-timeout"));
        origin.open(0).await;
    }
    assert_eq!(origin.accepted(), 2);
}

/// An address that nobody else gets meanwhile, and where nobody listens yet.
fn bound() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A listener that answers no more connections: its backlog is full.
fn full_listener() -> (socket2::Socket, Vec<TcpStream>, SocketAddr) {
    let (socket, address) = bound();
    socket.listen(1).unwrap();
    let waiting = Duration::from_millis(100);
    let fill = std::iter::from_fn(|| TcpStream::connect_timeout(&address, waiting).ok());
    let filled = fill.collect();
    (socket, filled, address)
}

#[tokio::test]
async fn a_server_that_accepts_nobody_is_given_up() {
    let (_listener, _backlog, address) = full_listener();
    let grants = format!("http = [\"http://{address}\"]\nprivate_networks = true");
    let gate = granted(&grants)
        .lines("[outbound]\nconnect_timeout = \"200ms\"\nfirst_byte_timeout = \"60s\"")
        .start()
        .await;
    // Another thread opens it when it hears of the first event.
    let trail = gate.state().join("audit/audit.jsonl");
    eventually("the audit trail is open", async || trail.exists()).await;
    let descriptors = gate.descriptors();
    for guest in GUESTS {
        let began = Instant::now();
        let url = encoded(&format!("http://{address}/"));
        let answer = fetched(&gate, guest, &format!("url={url}")).await;
        assert_eq!(answer.text(), "error:connection-timeout\n", "{guest}");
        let took = began.elapsed();
        assert!(
            took >= Duration::from_millis(200) && took < Duration::from_secs(5),
            "{took:?}"
        );
        assert_eq!(failures(&gate, guest, "timeout").await, 1.0);
    }
    eventually("no socket is left", async || {
        gate.descriptors() <= descriptors
    })
    .await;
}

#[tokio::test]
async fn nobody_there_is_a_refused_connection() {
    let (_socket, address) = bound();
    let grants = format!("http = [\"http://{address}\"]\nprivate_networks = true");
    let gate = granted(&grants).start().await;
    for guest in GUESTS {
        let url = encoded(&format!("http://{address}/"));
        let answer = fetched(&gate, guest, &format!("url={url}")).await;
        assert_eq!(answer.text(), "error:connection-refused\n", "{guest}");
        assert_eq!(failures(&gate, guest, "connection").await, 1.0);
    }
}

#[tokio::test]
async fn one_request_has_only_so_many_outbound_ones() {
    let origin = Origin::ok().await;
    let patient = "limits = { timeout = \"20s\" }";
    let setup = guest_with(Setup::default(), "fetch", &leading_to(&origin), patient);
    let two = "limits = { outbound_requests = 2 }\ninstances = { reuse = 100 }";
    let gate = guest_with(setup, "fetch-p3", &leading_to(&origin), two)
        .start()
        .await;
    let url = origin.url("/");
    let answer = fetched(&gate, "fetch", &format!("url={url}&n=34")).await;
    let lines: Vec<_> = answer.text().lines().collect();
    assert_eq!(lines.len(), 34);
    assert!(
        lines[..32].iter().all(|line| *line == "200 2 ok"),
        "{lines:?}"
    );
    assert_eq!(lines[32..], ["denied:connection-limit-reached"; 2]);
    // Each request has its own, also in a reused instance.
    for _ in 0..3 {
        let answer = fetched(&gate, "fetch-p3", &format!("url={url}&n=3")).await;
        let expected = "200 2 ok\n200 2 ok\ndenied:connection-limit-reached\n";
        assert_eq!(answer.text(), expected);
    }
    assert_eq!(origin.seen().len(), 32 + 6);
}

#[tokio::test]
async fn one_instance_has_only_so_many_requests_at_once() {
    let six = Arc::new(tokio::sync::Barrier::new(6));
    let origin = Origin::serving(move |_| {
        let six = six.clone();
        async move {
            six.wait().await;
            // Long enough for a seventh to arrive meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Response::new(body("ok"))
        }
    })
    .await;
    let patient = "limits = { timeout = \"20s\" }";
    let setup = guest_with(
        Setup::default(),
        "fetch-many",
        &leading_to(&origin),
        patient,
    );
    let gate = guest_with(setup, "fetch-p3", &leading_to(&origin), patient)
        .start()
        .await;
    let query = format!("url={}&n=24&parallel=24", origin.url("/"));
    let answer = fetched(&gate, "fetch-many", &query).await;
    assert_eq!(answer.text(), "started: 24\nok: 24\n");
    assert_eq!(origin.peak(), 6);
    let answer = fetched(&gate, "fetch-p3", &query).await;
    assert_eq!(answer.text(), "200 2 ok\n".repeat(24));
    assert_eq!((origin.peak(), origin.seen().len()), (6, 48));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_outbound_requests_along() {
    let origin = Origin::raw(async |stream| drop(Raw { stream }.rest().await)).await;
    let lines = "limits = { timeout = \"60s\" }";
    let gate = limited(&leading_to(&origin), lines)
        .lines("[outbound]\nfirst_byte_timeout = \"60s\"")
        .start()
        .await;
    for guest in GUESTS {
        let mut client = gate.raw().await;
        let path = format!("/{guest}?url={}", origin.url("/"));
        client
            .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        origin.open(1).await;
        drop(client);
        origin.open(0).await;
    }
    assert_eq!(origin.accepted(), 2);
    gate.at_rest().await;
}

#[tokio::test]
async fn a_guest_that_runs_out_of_time_takes_its_outbound_requests_along() {
    let origin = Origin::raw(async |stream| drop(Raw { stream }.rest().await)).await;
    // Long enough to connect before.
    let gate = limited(&leading_to(&origin), "limits = { timeout = \"2s\" }")
        .start()
        .await;
    for guest in GUESTS {
        let path = format!("/{guest}?url={}", origin.url("/"));
        assert_eq!(gate.get(&path).await.status(), 504, "{guest}");
        origin.open(0).await;
    }
    assert_eq!(origin.accepted(), 2);
}

#[tokio::test]
async fn heads_have_an_end() {
    let one_field = Origin::raw(async |stream| {
        let field = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "a".repeat(1 << 20));
        after_head(stream, &field).await.rest().await;
    })
    .await;
    let endless = Origin::raw(async |stream| {
        let mut raw = after_head(stream, "HTTP/1.1 200 OK\r\n").await;
        while raw
            .stream
            .write_all(&b"x-more: again\r\n".repeat(100))
            .await
            .is_ok()
        {}
    })
    .await;
    let interim = Origin::raw(async |stream| {
        let mut raw = after_head(stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
        while raw
            .stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let garbage =
        Origin::raw(async |stream| drop(after_head(stream, "SSH-2.0-OpenSSH\r\n\r\n").await));
    let garbage = garbage.await;
    let origins = [&one_field, &endless, &interim, &garbage];
    let grants: Vec<_> = origins.iter().map(|origin| origin.grant()).collect();
    let grants = format!("http = {grants:?}\nprivate_networks = true");
    let gate = limited(&grants, "limits = { timeout = \"20s\" }")
        .lines("[outbound]\nconnect_timeout = \"1s\"\nfirst_byte_timeout = \"1s\"")
        .start()
        .await;
    for guest in GUESTS {
        for (origin, errors) in [
            (
                &one_field,
                &["error:http-response-header-section-size\n"][..],
            ),
            (
                &endless,
                &[
                    "error:http-response-header-section-size\n",
                    "error:http-protocol-error\n",
                ],
            ),
            (&interim, &["error:http-response-timeout\n"]),
            (&garbage, &["error:http-protocol-error\n"]),
        ] {
            let answer = fetched(&gate, guest, &format!("url={}", origin.url("/"))).await;
            assert!(
                errors.contains(&answer.text()),
                "{guest} {errors:?}: {}",
                answer.text()
            );
            origin.open(0).await;
        }
    }
    assert_eq!(gate.get("/fetch?url=").await.status(), 200);
}

#[tokio::test]
async fn the_trace_of_a_request_goes_on_unless_the_guest_has_its_own() {
    const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OWN: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    let origin = Origin::ok().await;
    let gate = granted(&leading_to(&origin)).start().await;
    let ask = async |guest: &str, parent: &str, query: &str| {
        let path = format!("/{guest}?url={}{query}", origin.url("/"));
        let request = Request::get(path)
            .header("traceparent", parent)
            .header("tracestate", "vendor=1")
            .body(empty());
        let answer = gate.ask(request.unwrap()).await;
        assert_eq!(answer.text(), "200 2 ok\n");
        let seen = origin.last();
        (
            seen.header("traceparent").to_owned(),
            seen.header("tracestate").to_owned(),
        )
    };
    for guest in GUESTS {
        let carried = ask(guest, THEIRS, "").await;
        assert_eq!(carried, (THEIRS.into(), "vendor=1".into()), "{guest}");
        let own = ask(guest, THEIRS, &format!("&header=traceparent:{OWN}")).await;
        assert_eq!(own, (OWN.into(), String::new()), "{guest}");
        assert_eq!(ask(guest, "not a trace", "").await, Default::default());
    }
}

#[tokio::test]
async fn https_works_with_the_authority_of_the_operator_over_both_protocols() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::write(dir.path());
    let certificate = authority.certify(&["localhost", "127.0.0.1"]);
    let over_h2 = Origin::tls(&certificate, &["h2", "http/1.1"], echo).await;
    let over_h1 = Origin::tls(&certificate, &["http/1.1"], echo).await;
    let without_alpn = Origin::tls(&certificate, &[], echo).await;
    let origins = [
        (&over_h2, Version::HTTP_2),
        (&over_h1, Version::HTTP_11),
        (&without_alpn, Version::HTTP_11),
    ];
    let grants = origins.map(|(origin, _)| format!("https://*:{}", origin.port()));
    let gate = granted(&format!("http = {grants:?}\nprivate_networks = true"))
        .lines(&format!("[outbound]\nca = {:?}", authority.file))
        .start()
        .await;
    for guest in GUESTS {
        for (origin, version) in origins {
            for host in ["localhost", "127.0.0.1"] {
                let url = origin.url_by("https", host, "/path");
                let answer = fetched(&gate, guest, &format!("url={url}&method=POST&body=hi")).await;
                assert_eq!(answer.text(), "200 2 hi\n", "{guest} {host} {version:?}");
                let seen = origin.last();
                assert_eq!((seen.version, seen.uri.path()), (version, "/path"));
                let named = format!("{host}:{}", origin.port());
                let authority = seen.uri.authority().map(ToString::to_string);
                assert_eq!(authority.unwrap_or(seen.header("host").to_owned()), named);
            }
        }
    }
}

#[tokio::test]
async fn trailers_of_a_server_reach_the_client() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::write(dir.path());
    let certificate = authority.certify(&["localhost"]);
    let origin = Origin::tls(&certificate, &["h2"], async |_| {
        let (frames, stream) = streamed();
        tokio::spawn(async move {
            let _ = frames.send(Frame::data("body".into())).await;
            let trailers = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-sum"),
                HeaderValue::from_static("42"),
            )]);
            let _ = frames.send(Frame::trailers(trailers)).await;
        });
        Response::new(stream)
    })
    .await;
    let grant = format!(
        "http = [\"https://localhost:{}\"]\nprivate_networks = true",
        origin.port()
    );
    let gate = guest_with(Setup::default(), "fetch-p3", &grant, "")
        .lines(&format!("[outbound]\nca = {:?}", authority.file))
        .start()
        .await;
    let path = format!(
        "/fetch-p3?stream=1&url={}",
        origin.url_by("https", "localhost", "/")
    );
    let answer = gate.http2().await.get(&path).await.whole();
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.trailers.expect("trailers")["x-sum"], "42");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::write(dir.path());
    let stranger = tempfile::tempdir().unwrap();
    let stranger = Authority::write(stranger.path()).certify(&["localhost"]);
    let untrusted = Origin::tls(&stranger, &["h2"], echo).await;
    let misnamed = Origin::tls(&authority.certify(&["other.example"]), &["h2"], echo).await;
    let plain = Origin::ok().await;
    let grants: Vec<_> = [&untrusted, &misnamed, &plain]
        .map(|origin| format!("https://localhost:{}", origin.port()))
        .into();
    let gate = granted(&format!("http = {grants:?}\nprivate_networks = true"))
        .lines(&format!("[outbound]\nca = {:?}", authority.file))
        .start()
        .await;
    for guest in GUESTS {
        for (origin, error) in [
            (&untrusted, "error:tls-certificate-error\n"),
            (&misnamed, "error:tls-certificate-error\n"),
            (&plain, "error:tls-protocol-error\n"),
        ] {
            let url = origin.url_by("https", "localhost", "/");
            let answer = fetched(&gate, guest, &format!("url={url}")).await;
            assert_eq!(answer.text(), error, "{guest}");
            origin.open(0).await;
        }
        assert_eq!(failures(&gate, guest, "tls").await, 3.0);
    }
    for origin in [untrusted, misnamed, plain] {
        assert!(origin.seen().is_empty());
    }
}

#[tokio::test]
async fn outbound_requests_are_measured_by_grant() {
    let origin = Origin::serving(async |request: Request<hyper::body::Incoming>| {
        let mut response = Response::new(empty());
        let code = request.uri().path().trim_start_matches('/').parse();
        *response.status_mut() = code.unwrap();
        response
    })
    .await;
    let grant = format!("http://127.0.0.1:{}", origin.port());
    let wide = format!("http://*:{}", origin.port());
    let grants = format!("http = [{grant:?}, {wide:?}]\nprivate_networks = true");
    let gate = granted(&grants).start().await;
    for guest in GUESTS {
        for (method, status, times) in [("GET", 200, 3), ("POST", 404, 2), ("ODD", 799, 1)] {
            let url = origin.url(&format!("/{status}"));
            let query = format!("url={url}&method={method}&n={times}");
            let line = format!("{status} 0 \n");
            assert_eq!(
                fetched(&gate, guest, &query).await.text(),
                line.repeat(times)
            );
        }
        let by_name = origin.url_by("http", "localhost", "/200");
        fetched(&gate, guest, &format!("url={by_name}")).await;
        let metrics = gate.metrics().await;
        for (server, method, status, count) in [
            (&grant, "GET", "200", 3.0),
            (&grant, "POST", "404", 2.0),
            (&grant, "_OTHER", "_OTHER", 1.0),
            (&wide, "GET", "200", 1.0),
        ] {
            let labels = [
                ("component", guest),
                ("server_address", server),
                ("http_request_method", method),
                ("http_response_status_code", status),
            ];
            let counted = metrics.sum("http_client_request_duration_seconds_count", &labels);
            assert_eq!(counted, count, "{guest} {server} {method} {status}");
        }
        let labels = [("component", guest)];
        assert_eq!(
            metrics.count("http_client_request_duration_seconds_count", &labels),
            4
        );
    }
}

/// Whatever a guest writes into a request, the server sees requests of this guest to this
/// server and nothing else.
#[tokio::test]
async fn a_guest_cannot_forge_framing_or_smuggle_requests() {
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let ear = heard.clone();
    let origin = Origin::raw(move |stream| {
        let ear = ear.clone();
        async move {
            let mut raw = Raw { stream };
            let head = raw.head().await;
            ear.lock().unwrap().extend_from_slice(head.as_bytes());
            raw.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
                .await;
            let _ = raw.stream.shutdown().await;
            let rest = raw.rest().await;
            ear.lock().unwrap().extend_from_slice(&rest);
        }
    })
    .await;
    let lines = "limits = { outbound_requests = 1_000, timeout = \"30s\", cpu = \"10s\" }";
    let gate = guest_with(
        Setup::default(),
        "fetch-forged",
        &leading_to(&origin),
        lines,
    );
    let gate = gate.start().await;
    let query = format!("url={}&timeout_ms=1000", origin.url("/"));
    let answer = fetched(&gate, "fetch-forged", &query).await;
    assert!(
        answer.text().starts_with("plain: ok 200 2 ok\n"),
        "{}",
        answer.text()
    );
    // What a connection brings after its head is heard when it has ended.
    origin.open(0).await;
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).to_ascii_lowercase();
    for line in heard.split(['\n', '\r']) {
        for forged in [
            "x-smuggled",
            "get /smuggled",
            "host: evil",
            "host: worse",
            "x-secret",
        ] {
            assert!(!line.starts_with(forged), "{line}\n{}", answer.text());
        }
        for field in ["upgrade:", "http2-settings:", "proxy-", "keep-alive:"] {
            assert!(!line.starts_with(field), "{line}\n{}", answer.text());
        }
        if let Some(host) = line.strip_prefix("host: ") {
            assert_eq!(
                host,
                format!("127.0.0.1:{}", origin.port()),
                "{}",
                answer.text()
            );
        }
    }
}
