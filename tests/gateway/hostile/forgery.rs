//! Requests that say more than one thing.

use super::report::Report;
use super::strict::{Received, StrictOrigin};
use super::{assert_unharmed, granting, report, setup};

/// Fields that belong to the connection or to the gateway, and never to a guest.
const NEVER: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "upgrade",
    "http2-settings",
    "x-smuggled",
    ":authority",
];

async fn forged(origin: &StrictOrigin) -> Report {
    let grants = format!(
        "http = [\"http://{}\"], private_networks = true",
        origin.address()
    );
    let gate = setup()
        .guest_with("fetch-forged", &granting(&grants))
        .start()
        .await;
    let path = format!(
        "/fetch-forged?timeout_ms=2000&url=http://{}/",
        origin.address()
    );
    let report = report(&gate, &path).await;
    assert_unharmed(&gate).await;
    report
}

#[tokio::test]
async fn what_an_origin_receives_is_one_honest_request_after_the_other() {
    let origin = StrictOrigin::start().await;
    let report = forged(&origin).await;
    let received = origin.received();
    let host = origin.address().to_string();
    for request in &received {
        assert_eq!(request.broken, None, "{request:?}");
        assert_eq!(request.all("host"), [&*host], "{request:?}");
        for name in NEVER {
            assert!(request.all(name).is_empty(), "{request:?}");
        }
        assert!(is_target(&request.target), "{request:?}");
        assert_ne!(request.target, "/smuggled", "{request:?}");
    }
    // Each is one that the guest knows of: none came out of another.
    let known = report.successes().len() + report.with("error:").len();
    assert!(received.len() <= known, "{received:#?}\n{report}");
    assert!(received.len() >= report.successes().len());
}

/// In one word, as an origin is asked (RFC 9112 §3.2.1, §3.2.4).
fn is_target(target: &str) -> bool {
    let clean = !target.contains(|c: char| c.is_whitespace() || c.is_control());
    clean && (target.starts_with('/') || target == "*")
}

#[tokio::test]
async fn a_guest_is_told_what_it_may_not_say() {
    let origin = StrictOrigin::start().await;
    let report = forged(&origin).await;
    for attempt in [
        "host",
        "host-twice",
        "value-crlf",
        "value-lf",
        "value-cr",
        "value-fold",
        "value-nul",
        "value-request",
        "name-crlf",
        "name-space",
        "name-space-end",
        "name-colon",
        "name-empty",
        "name-non-ascii",
        "name-pseudo",
        "connection-close",
        "connection-names",
        "keep-alive",
        "upgrade",
        "upgrade-alone",
        "http2-settings",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "transfer-encoding-body",
        "transfer-encoding-and-length",
        "path-crlf",
        "path-request",
        "path-space",
        "path-version",
        "path-nul",
        "method-connect",
        "method-space",
        "method-request",
        "authority-user",
        "authority-userinfo",
        "authority-as-user",
        "authority-crlf",
        "authority-space",
        "authority-path",
        "authority-query",
        "authority-fragment",
        "authority-backslash",
        "authority-list",
        "authority-port-twice",
        "scheme-crlf",
    ] {
        let outcome = report.outcome(attempt);
        assert!(outcome.starts_with("denied:"), "{attempt}: {outcome}");
    }
    // The control: what is honest goes through, and is what the origin sees.
    for (attempt, seen) in [
        ("plain", "x-plain: 1"),
        ("length-right", "content-length: 5"),
    ] {
        let outcome = report.outcome(attempt);
        assert!(
            outcome.starts_with("ok 200") && outcome.contains(seen),
            "{attempt}: {outcome}"
        );
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_its_head_says() {
    let origin = StrictOrigin::start().await;
    let report = forged(&origin).await;
    let received = origin.received();
    let posts = received.iter().filter(|request| request.method == "POST");
    let whole: Vec<&Received> = posts.filter(|request| request.whole).collect();
    assert!(!whole.is_empty(), "{report}");
    for request in whole {
        assert!(b"hello".starts_with(&request.body), "{request:?}");
        let length = request.body.len().to_string();
        let told = request.all("content-length");
        assert!(told.is_empty() || told == [&*length], "{request:?}");
    }
    for attempt in ["length-long", "length-twice-different", "length-negative"] {
        assert!(!report.successes().contains(&attempt), "{report}");
    }
}
