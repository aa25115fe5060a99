//! Requests to loopback, to private networks and to the metadata services of clouds, in all
//! spellings, where every public server is granted.

use super::dns::{Dns, addresses};
use super::witness::Witness;
use super::{ANY_SERVER, assert_unharmed, denials, fetch, granting, report, resolving_by, setup};
use crate::support::{Gate, guest};

/// Names that are in no list, and what only this machine's resolver knows.
const NAMES: [&str; 4] = [
    "inside.test",
    "localtest.me.",
    "LOCALHOST6",
    "tcp-inside.test",
];

/// Of those spellings, the ones that lead to loopback where that is granted.
const LEADING: [&str; 8] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "localhost",
    "LOCALHOST.",
    "0.0.0.0",
    "inside.test",
    "tcp-inside.test",
];

/// Of `fetch-spellings`: nothing that is asked for here is slow but by a busy machine.
const PATIENT: &str = "&timeout_ms=5000";

/// Whatever it is asked for is loopback.
async fn everything_is_loopback() -> Dns {
    Dns::start(|_, _| addresses(&["127.0.0.1", "::1"])).await
}

#[tokio::test]
async fn no_spelling_of_loopback_gets_through() {
    let (dns, witness) = (everything_is_loopback().await, Witness::start().await);
    let gate = setup()
        .guest_with("fetch-spellings", &granting(ANY_SERVER))
        .lines(&resolving_by(dns.address()))
        .start()
        .await;
    let names = NAMES.map(|name| format!("&name={name}")).concat();
    let path = format!("/fetch-spellings?port={}{names}{PATIENT}", witness.port());
    let report = report(&gate, &path).await;
    assert!(report.len() > 2 * 60, "{report}");
    assert_eq!(report.with("denied:").len(), report.len(), "{report}");
    assert_eq!(witness.connections().await, 0);
    let refused = report.iter().filter(|(_, outcome)| is_policy(outcome));
    let refused = refused.count();
    assert!(refused > 80, "{report}");
    assert_eq!(denials(&gate, "fetch-spellings", "http").await, refused);
    assert!(dns.asked(".test") > 0 && dns.asked_by_tcp() > 0);
    assert_unharmed(&gate).await;
}

/// The control: the spellings do lead there.
#[tokio::test]
async fn with_private_networks_the_spellings_lead_to_loopback() {
    let (dns, witness) = (everything_is_loopback().await, Witness::start().await);
    let grants = format!("{ANY_SERVER}, private_networks = true");
    let gate = setup()
        .guest_with("fetch-spellings", &granting(&grants))
        .lines(&resolving_by(dns.address()))
        .start()
        .await;
    let names = LEADING.map(|name| format!("&name={name}")).concat();
    let port = witness.port();
    let path = format!("/fetch-spellings?port={port}&scheme=http&count=0{names}{PATIENT}");
    let report = report(&gate, &path).await;
    let reached = report.with("ok 200 7 reached").len();
    assert_eq!(reached, LEADING.len(), "{report}");
    assert_eq!(witness.connections().await, LEADING.len());
    assert_eq!(denials(&gate, "fetch-spellings", "http").await, 0);
}

#[tokio::test]
async fn no_spelling_gets_through_for_guests_of_wasi_0_3() {
    let (dns, witness) = (everything_is_loopback().await, Witness::start().await);
    let wide = format!("{ANY_SERVER}, private_networks = true");
    let gate = setup()
        .guest_with("fetch-p3", &granting(ANY_SERVER))
        .component("wide", &guest("fetch-p3"), &granting(&wide))
        .route("prefix = \"/wide\"\ncomponent = \"wide\"")
        .lines(&resolving_by(dns.address()))
        .start()
        .await;
    let spellings = LEADING.into_iter().chain([
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%25lo]",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ]);
    let mut refused = 0;
    for spelling in spellings {
        let url = format!("http://{spelling}:{}/", witness.port());
        let lines = fetch(&gate, "fetch-p3", "", &url).await;
        assert!(lines[0].starts_with("denied:"), "{spelling}: {lines:?}");
        refused += usize::from(is_policy(&lines[0]));
    }
    assert_eq!(witness.connections().await, 0);
    assert!(refused > 12, "{refused}");
    assert_eq!(denials(&gate, "fetch-p3", "http").await, refused);
    for spelling in LEADING {
        let url = format!("http://{spelling}:{}/", witness.port());
        assert_eq!(
            fetch(&gate, "wide", "", &url).await,
            ["200 7 reached"],
            "{spelling}"
        );
    }
    assert_unharmed(&gate).await;
}

/// The rest is no request at all.
fn is_policy(outcome: &str) -> bool {
    [
        "denied:http-request-denied",
        "denied:destination-ip-prohibited",
    ]
    .contains(&outcome)
}

/// As operators have it who name no name servers: through the system's resolver.
#[tokio::test]
async fn localhost_of_the_systems_resolver_gets_nowhere() {
    let witness = Witness::start().await;
    let wide = format!("{ANY_SERVER}, private_networks = true");
    let gate = setup()
        .guest_with("fetch", &granting(ANY_SERVER))
        .component("wide", &guest("fetch"), &granting(&wide))
        .route("prefix = \"/wide\"\ncomponent = \"wide\"")
        .start()
        .await;
    for name in ["localhost", "LOCALHOST"] {
        let url = format!("http://{name}:{}/", witness.port());
        let denied = ["denied:destination-ip-prohibited"];
        assert_eq!(fetch(&gate, "fetch", "", &url).await, denied, "{name}");
    }
    assert_eq!(witness.connections().await, 0);
    assert_eq!(denials(&gate, "fetch", "http").await, 2);
    let url = format!("http://localhost:{}/", witness.port());
    assert_eq!(fetch(&gate, "wide", "", &url).await, ["200 7 reached"]);
    assert_eq!(witness.connections().await, 1);
}

/// `private_networks` opens all but the gateway's own admin listener.
#[tokio::test]
async fn no_spelling_leads_to_the_admin_listener() {
    let dns = everything_is_loopback().await;
    let grants = format!("{ANY_SERVER}, private_networks = true");
    let audit = format!("{grants}, mode = \"audit\"");
    let gate = setup()
        .guest_with("fetch-spellings", &granting(&grants))
        .component("audited", &guest("fetch-spellings"), &granting(&audit))
        .route("prefix = \"/audited\"\ncomponent = \"audited\"")
        .lines(&resolving_by(dns.address()))
        .start()
        .await;
    let names = LEADING.map(|name| format!("&name={name}")).concat();
    let mapped = "&name=[::1]&name=[::]&name=[::ffff:127.0.0.1]&name=[::ffff:7f00:1]";
    let attempts = LEADING.len() + 4;
    let ask = async |component: &str, port| {
        let path = format!("/{component}?port={port}&scheme=http&count=0{names}{mapped}{PATIENT}");
        report(&gate, &path).await
    };
    let admin = gate.admin_address().port();
    for component in ["fetch-spellings", "audited"] {
        let report = ask(component, admin).await;
        assert_eq!(
            report.with("denied:").len(),
            attempts,
            "{component}:\n{report}"
        );
        assert_eq!(denials(&gate, component, "http").await, attempts);
    }
    // The control: the gateway's public listener is there.
    let report = ask("fetch-spellings", gate.address().port()).await;
    assert!(
        report.outcome("http://127.0.0.1").starts_with("ok 404"),
        "{report}"
    );
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn ten_thousand_denials_are_counted_and_do_not_fill_the_log() {
    let gate: Gate = setup()
        .guest_with("fetch", &granting(ANY_SERVER))
        .start()
        .await;
    let lines = fetch(&gate, "fetch", "n=10000", "http://127.0.0.1:1/").await;
    assert_eq!(lines.len(), 10_000);
    assert!(
        lines
            .iter()
            .all(|line| line == "denied:http-request-denied")
    );
    assert_eq!(denials(&gate, "fetch", "http").await, 10_000);
    // What is logged later shows that nothing is on its way any more.
    gate.reloads().await;
    gate.log.line("configuration reloaded").await;
    assert!(gate.log.text().matches("capability denied").count() < 1_000);
    assert_unharmed(&gate).await;
}
