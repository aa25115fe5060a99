//! Names whose owners wish guests ill: a name server in this test answers what it likes.

use futures_util::StreamExt as _;

use super::dns::{Dns, Record, addresses};
use super::witness::Witness;
use super::{ANY_SERVER, assert_unharmed, denials, fetch, granting, report, resolving_by, setup};
use crate::support::{Gate, Setup, guest};

/// Public to everybody who decides by the address, and assigned to nobody: 6bone's is given
/// back (RFC 3701).
const PUBLIC: &str = "3ffe:ffff::1";

/// By how a name begins.
fn answer(name: &str, times: usize) -> Vec<Record> {
    let name = name.strip_prefix("tcp-").unwrap_or(name);
    let kind = name.split(['-', '.']).next().unwrap_or_default();
    match kind {
        // One look shows a public address, the next one loopback, and so on.
        "rebind" if times.is_multiple_of(2) => addresses(&[PUBLIC]),
        "rebind" => addresses(&["127.0.0.1", "::1"]),
        "mixed" => addresses(&[
            "127.0.0.1",
            PUBLIC,
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "::1",
            "127.0.0.2",
        ]),
        "alias" => vec![Record::Alias("localhost")],
        "chain" => [
            &[Record::Alias("inside.test"), Record::Alias("localhost.")][..],
            &addresses(&["127.0.0.1", "::1"]),
        ]
        .concat(),
        "inside" => addresses(&["127.0.0.1", "::1"]),
        _ => Vec::new(),
    }
}

const KINDS: [&str; 8] = [
    "rebind",
    "mixed",
    "alias",
    "chain",
    "tcp-rebind",
    "tcp-mixed",
    "tcp-alias",
    "tcp-chain",
];

fn with_fetch(dns: &Dns, wasm: &str) -> Setup {
    let wide = format!("{ANY_SERVER}, private_networks = true");
    setup()
        .component("fetch", &guest(wasm), &granting(ANY_SERVER))
        .route("prefix = \"/fetch\"\ncomponent = \"fetch\"")
        .component("wide", &guest(wasm), &granting(&wide))
        .route("prefix = \"/wide\"\ncomponent = \"wide\"")
        .lines(&resolving_by(dns.address()))
}

/// Three requests to each of as many names, and everything that came of them.
async fn ask(gate: &Gate, component: &str, port: u16, rounds: usize) -> Vec<String> {
    let round = |round: usize| async move {
        let kind = KINDS[round % KINDS.len()];
        let url = format!("http://{kind}-{round}.evil.test:{port}/");
        fetch(gate, component, "n=3", &url).await
    };
    let rounds = futures_util::stream::iter(0..rounds).map(round);
    let lines: Vec<_> = rounds.buffer_unordered(32).collect().await;
    lines.concat()
}

async fn rebinding_gains_nothing(wasm: &str, rounds: usize) {
    let (dns, witness) = (Dns::start(answer).await, Witness::start().await);
    let gate = with_fetch(&dns, wasm).start().await;
    let lines = ask(&gate, "fetch", witness.port(), rounds).await;
    assert_eq!(witness.connections().await, 0);
    assert_eq!(lines.len(), 3 * rounds);
    let reached = lines.iter().filter(|line| line.starts_with("200"));
    assert_eq!(reached.count(), 0);
    // Of three looks at `rebind` one shows loopback, of the aliases all, and `mixed` leads
    // to an address of nobody.
    let denied = lines.iter().filter(|line| line.starts_with("denied:"));
    assert!(denied.count() > rounds, "{lines:?}");
    assert!(denials(&gate, "fetch", "http").await > 2 * rounds);
    let asked = (dns.asked(".evil.test"), dns.asked_by_tcp());
    eprintln!(
        "{} requests, questions and those by TCP: {asked:?}",
        lines.len()
    );
    // Two for each request, but for aliases: `localhost` is known, and kept.
    assert!(2 * asked.0 >= 9 * rounds && asked.1 > rounds, "{asked:?}");
    // The control: with private_networks each of the kinds leads to the witness.
    let lines = ask(&gate, "wide", witness.port(), KINDS.len()).await;
    let reached = lines.iter().filter(|line| *line == "200 7 reached");
    assert!(reached.count() >= 2 * KINDS.len(), "{lines:?}");
    assert!(witness.connections().await >= 2 * KINDS.len());
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn rebinding_gains_nothing_in_a_thousand_rounds() {
    rebinding_gains_nothing("fetch", 1_000).await;
}

#[tokio::test]
async fn rebinding_gains_nothing_for_guests_of_wasi_0_3() {
    rebinding_gains_nothing("fetch-p3", 80).await;
}

#[tokio::test]
async fn rebinding_gains_nothing_for_sockets() {
    let (dns, witness) = (Dns::start(answer).await, Witness::start().await);
    let grant = "sockets = [\"tcp://*.evil.test:*\", \"udp://*.evil.test:*\"]";
    let wide = format!("{grant}, private_networks = true");
    let gate = setup()
        .guest_with("sockets", &granting(grant))
        .component("wide", &guest("sockets"), &granting(&wide))
        .route("prefix = \"/wide\"\ncomponent = \"wide\"")
        .lines(&resolving_by(dns.address()))
        .start()
        .await;
    let path = |component: &str, op: &str, name: &str| {
        format!(
            "/{component}?op={op}&host={name}.evil.test&port={}&timeout_ms=10000",
            witness.port()
        )
    };
    for round in 0..50 {
        for kind in ["alias", "chain", "inside"] {
            let report = report(&gate, &path("sockets", "tcp", &format!("{kind}-{round}"))).await;
            assert!(
                report.outcome("lookup").starts_with("ok 127.0.0.1"),
                "{report}"
            );
            assert_eq!(
                report.outcome("connect"),
                "denied:access-denied",
                "{report}"
            );
        }
    }
    let report_of_udp = report(&gate, &path("sockets", "udp", "inside-udp")).await;
    assert_eq!(
        report_of_udp.outcome("send"),
        "denied:access-denied",
        "{report_of_udp}"
    );
    assert_eq!(witness.connections().await, 0);
    assert!(denials(&gate, "sockets", "sockets").await > 150);
    let report = report(&gate, &path("wide", "tcp", "inside-wide")).await;
    assert!(report.outcome("receive").ends_with("reached"), "{report}");
    assert_eq!(witness.connections().await, 1);
    assert_unharmed(&gate).await;
}
