//! Which version a request meets: exactly to the weight, the same for the same client, or the
//! one that it asks for by name.

use std::time::Duration;

use futures_util::future::join_all;
use http::Request;
use http::request::Builder;

use crate::support::{Connection, Gate, Setup, empty, eventually, guest};

const USER: &str = "header = \"x-user-id\"";
const OVERRIDE: &str = "listen = \"127.0.0.1:0\"\nallow_version_override = true";
const FIELD: &str = "x-airgate-version";

/// `both` at `/`, whose versions `a` and `b` answer with their names.
fn both(weights: [u32; 2], lines: &str) -> Setup {
    Setup::default()
        .lines(&versions("both", weights, lines))
        .route("prefix = \"/\"\ncomponent = \"both\"")
}

fn versions(name: &str, [to_a, to_b]: [u32; 2], lines: &str) -> String {
    let [a, b] = ["version-a", "version-b"].map(guest);
    format!(
        "[component.{name}]\ninstances = {{ reuse = 1000000 }}\n{lines}\n\
         [component.{name}.traffic]\na = {to_a}\nb = {to_b}\n\
         [[component.{name}.versions]]\nname = \"a\"\nsource = {a:?}\n\
         [[component.{name}.versions]]\nname = \"b\"\nsource = {b:?}\n"
    )
}

/// As [`both`], with clients known by this.
fn sticky(weights: [u32; 2], affinity: &str) -> Setup {
    both(weights, &format!("affinity = {{ {affinity} }}"))
}

/// May call `both`, and is routed at `/relay`.
fn relay(setup: Setup, lines: &str) -> Setup {
    let lines = format!("{lines}\ncapabilities = {{ components = [\"both\"] }}");
    setup.guest_with("relay", &lines)
}

const CALL: &str = "/relay?to=both&path=/";

async fn ask(client: &mut Connection, request: Builder) -> String {
    let answer = client.ask(request.body(empty()).unwrap()).await.whole();
    assert_eq!(answer.status(), 200, "{answer:?}");
    answer.text().to_owned()
}

/// What each of 200 users meets at `path`.
async fn met(client: &mut Connection, path: &str) -> Vec<String> {
    let mut met = Vec::new();
    for user in 0..200 {
        let request = Request::get(path).header("x-user-id", format!("user-{user}"));
        met.push(ask(client, request).await);
    }
    met
}

fn to_b(met: &[String]) -> usize {
    met.iter().filter(|version| *version == "b").count()
}

#[tokio::test]
async fn ten_percent_of_100_000_requests_are_ten_percent() {
    let gate = both([90, 10], "").start().await;
    let connections = [gate.http2().await, gate.http2().await];
    let clients = (0..32).map(|index| {
        let mut client = connections[index % 2].streams();
        async move {
            let mut to_b = 0;
            for _ in 0..100_000 / 32 {
                to_b += usize::from(ask(&mut client, Request::get("/")).await == "b");
            }
            to_b
        }
    });
    let to_b: usize = join_all(clients).await.into_iter().sum();
    assert!((9_500..=10_500).contains(&to_b), "{to_b}");
}

#[tokio::test]
async fn a_client_meets_the_same_version_on_every_connection_and_every_node() {
    let gate = sticky([50, 50], USER).start().await;
    let first = met(&mut gate.http1().await, "/").await;
    assert!((60..=140).contains(&to_b(&first)), "{first:?}");
    assert_eq!(met(&mut gate.http2().await, "/").await, first);
    let other = sticky([50, 50], USER).start().await;
    assert_eq!(met(&mut other.http1().await, "/").await, first);
}

#[tokio::test]
async fn nobody_goes_back_while_a_weight_rises() {
    let mut gate = sticky([95, 5], USER).start().await;
    let mut client = gate.http1().await;
    let mut last = met(&mut client, "/").await;
    for percent in [25, 50, 100] {
        gate.rewrite(sticky([100 - percent, percent], USER));
        assert_eq!(gate.reload().await.status(), 200);
        let now = met(&mut client, "/").await;
        for (was, is) in last.iter().zip(&now) {
            assert!(is == was || is == "b", "{percent}: {was} to {is}");
        }
        assert!(to_b(&now) > to_b(&last), "{percent}");
        last = now;
    }
    assert_eq!(to_b(&last), 200);
}

#[tokio::test]
async fn who_says_nothing_is_shared_out_exactly() {
    let gate = sticky([90, 10], USER).start().await;
    let mut client = gate.http1().await;
    for value in [None, Some("")] {
        let mut to_b = 0;
        for _ in 0..100 {
            let request = Request::get("/");
            let request = value.map_or(Request::get("/"), |value| {
                request.header("x-user-id", value)
            });
            to_b += usize::from(ask(&mut client, request).await == "b");
        }
        assert_eq!(to_b, 10, "{value:?}");
    }
}

#[tokio::test]
async fn a_cookie_is_the_same_whole_or_in_crumbs() {
    let gate = sticky([50, 50], "cookie = \"session\"").start().await;
    let (mut whole, mut crumbs) = (gate.http1().await, gate.http2().await);
    let mut met = Vec::new();
    for user in 0..100 {
        let cookie = format!("theme=dark; session=\"s {user}\"; lang=en");
        let version = ask(&mut whole, Request::get("/").header("cookie", &cookie)).await;
        let request = cookie
            .split("; ")
            .fold(Request::get("/"), |request, crumb| {
                request.header("cookie", crumb)
            });
        assert_eq!(ask(&mut crumbs, request).await, version, "{cookie}");
        met.push(version);
    }
    assert!((25..=75).contains(&to_b(&met)), "{met:?}");
}

#[tokio::test]
async fn an_address_counts_as_trusted_proxies_tell_it() {
    let believing =
        sticky([50, 50], "client_ip = true").server("trusted_proxies = [\"127.0.0.0/8\"]");
    let gates = [believing, sticky([50, 50], "client_ip = true")];
    for (setup, varied) in gates.into_iter().zip([true, false]) {
        let gate = setup.start().await;
        let (mut client, mut again) = (gate.http1().await, gate.http2().await);
        let mut met = Vec::new();
        for last in 1..=60 {
            let way = format!("198.51.100.7, 192.0.2.{last}, 127.0.0.9");
            let version = ask(
                &mut client,
                Request::get("/").header("x-forwarded-for", way),
            )
            .await;
            // By another way, the same client.
            let way = format!("192.0.2.{last}:4711");
            let request = Request::get("/").header("x-forwarded-for", way);
            assert_eq!(ask(&mut again, request).await, version);
            met.push(version);
        }
        let to_b = to_b(&met);
        assert_eq!((1..60).contains(&to_b), varied, "{met:?}");
    }
}

#[tokio::test]
async fn stickiness_follows_calls() {
    let affinity = format!("affinity = {{ {USER} }}");
    let gate = relay(both([50, 50], &affinity), &affinity).start().await;
    let mut client = gate.http1().await;
    let direct = met(&mut client, "/").await;
    assert!((60..=140).contains(&to_b(&direct)), "{direct:?}");
    // The component that is called hears nothing of the field: the cohort alone leads to it.
    assert_eq!(met(&mut client, CALL).await, direct);
    assert_eq!(met(&mut client, &format!("{CALL}&times=3")).await, direct);
}

#[tokio::test]
async fn a_version_without_weight_can_be_asked_for_where_that_is_permitted() {
    let gate = both([1, 0], "").admin(OVERRIDE).start().await;
    let mut client = gate.http1().await;
    for (field, version) in [("both=b", "b"), ("both=a", "a")] {
        let request = Request::get("/").header(FIELD, field);
        assert_eq!(ask(&mut client, request).await, version);
    }
    assert_eq!(ask(&mut client, Request::get("/")).await, "a");
    let metrics = gate.metrics().await;
    let labels = [("component", "both"), ("version", "b")];
    assert_eq!(metrics.sum("airgate_guest_requests_total", &labels), 1.0);
}

#[tokio::test]
async fn what_is_asked_for_wins_over_affinity_and_takes_nobodys_turn() {
    let gate = sticky([90, 10], USER).admin(OVERRIDE).start().await;
    let mut client = gate.http1().await;
    let (mut forced, mut others) = (Vec::new(), Vec::new());
    for user in 0..100 {
        let request = Request::get("/").header(FIELD, "both=b");
        forced.push(ask(&mut client, request).await);
        let user = format!("user-{user}");
        let request = Request::get("/").header(FIELD, "both=b");
        forced.push(ask(&mut client, request.header("x-user-id", user)).await);
        others.push(ask(&mut client, Request::get("/")).await);
    }
    assert_eq!((to_b(&forced), to_b(&others)), (200, 10));
}

#[tokio::test]
async fn what_is_asked_for_goes_with_the_calls() {
    let setup = both([1, 0], "").lines(&versions("more", [1, 0], ""));
    let gate = relay(setup, "").admin(OVERRIDE).start().await;
    let mut client = gate.http1().await;
    let call = |field| Request::get(format!("{CALL}&times=2")).header(FIELD, field);
    assert_eq!(ask(&mut client, call("both=b")).await, "b");
    assert_eq!(ask(&mut client, call("more=b, both=b")).await, "b");
    assert_eq!(ask(&mut client, call("more=b")).await, "a");
    assert_eq!(ask(&mut client, Request::get(CALL)).await, "a");
}

#[tokio::test]
async fn what_cannot_be_obeyed_is_refused_and_the_connection_lives_on() {
    let gate = both([1, 0], "").admin(OVERRIDE).start().await;
    let mut client = gate.http1().await;
    for (field, reason) in [
        ("both", "is not a list"),
        ("both=b,", "is not a list"),
        ("both=/etc/passwd", "is not a list"),
        ("both=b;more=b", "is not a list"),
        ("both=c", "a version that is not there"),
        ("nobody=a", "a version that is not there"),
        ("both=a, both=b", "a component twice"),
    ] {
        let request = Request::get("/")
            .header(FIELD, field)
            .body(empty())
            .unwrap();
        let answer = client.ask(request).await.whole();
        assert_eq!(answer.status(), 400, "{field}");
        assert!(answer.text().contains(reason), "{field}: {}", answer.text());
    }
    assert_eq!(ask(&mut client, Request::get("/")).await, "a");
}

#[tokio::test]
async fn where_it_is_not_permitted_asking_changes_nothing() {
    let gate = both([1, 0], "").start().await;
    let mut client = gate.http1().await;
    for field in ["both=b", "both=c", "nonsense"] {
        let request = Request::get("/").header(FIELD, field);
        assert_eq!(ask(&mut client, request).await, "a", "{field}");
    }
}

#[tokio::test]
async fn guests_never_see_what_was_asked_for() {
    let echo = Gate::serving(["echo"]);
    let obeying = echo.clone().lines("version = \"1\"").admin(OVERRIDE);
    for setup in [echo, obeying] {
        let gate = setup.start().await;
        let request = Request::get("/echo").header(FIELD, "echo=1");
        let request = request.header("x-stays", "1").body(empty()).unwrap();
        let answer = gate.ask(request).await.whole();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("x-req-x-stays"), "1");
        assert_eq!(answer.header("x-req-x-airgate-version"), "");
    }
}

/// Nobody can tell whose an outbound request of a shared instance is: nobody may be led to
/// the version that another asked for.
#[tokio::test]
async fn who_asks_for_a_version_shares_no_instance() {
    let forced = || Request::get("/inflight-p3?ms=3000").header(FIELD, "inflight-p3=1");
    let anybody = || Request::get("/inflight-p3?ms=3000");
    // The control: two who ask for nothing share it, unless the second came before the first
    // waited.
    let mut together = String::new();
    for _ in 0..5 {
        together = met_by_the_second(anybody(), anybody()).await;
        if together == "2" {
            break;
        }
    }
    assert_eq!(together, "2");
    for (first, second) in [
        (anybody(), forced()),
        (forced(), anybody()),
        (forced(), forced()),
    ] {
        assert_eq!(met_by_the_second(first, second).await, "1");
    }
}

/// How many requests the instance of the second had at once, which comes while the first waits.
async fn met_by_the_second(first: Builder, second: Builder) -> String {
    let shared = "version = \"1\"\ninstances = { reuse = 100, concurrent = 4 }\n\
                  limits = { timeout = \"60s\" }";
    let setup = Setup::default().guest_with("inflight-p3", shared);
    let gate = setup.admin(OVERRIDE).start().await;
    let (mut one, mut other) = (gate.http1().await, gate.http1().await);
    let later = async {
        eventually("the first is served", async || {
            gate.instances("inflight-p3", "busy").await >= 1.0
        })
        .await;
        // It has a place; how soon its guest waits, nobody tells.
        tokio::time::sleep(Duration::from_millis(300)).await;
        ask(&mut other, second).await
    };
    tokio::join!(ask(&mut one, first), later).1
}
