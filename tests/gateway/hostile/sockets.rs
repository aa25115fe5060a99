//! Sockets: only what is granted, by whatever way, and never a listener.

use super::dns::{Dns, addresses};
use super::report::Report;
use super::witness::{Datagrams, Witness};
use super::{assert_unharmed, denials, granting, report, resolving_by, setup};
use crate::support::Gate;

const DENIED: &str = "denied:access-denied";

async fn gate(grants: &str) -> Gate {
    let setup = setup().guest_with("sockets", &granting(grants));
    setup.start().await
}

/// With a name server; `echo.test` and all other names lead to loopback.
async fn gate_with_names(grants: &str, dns: &Dns) -> Gate {
    let setup = setup().guest_with("sockets", &granting(grants));
    setup.lines(&resolving_by(dns.address())).start().await
}

async fn ask(gate: &Gate, op: &str, host: &str, port: u16) -> Report {
    let path = format!("/sockets?op={op}&host={host}&port={port}&timeout_ms=10000");
    report(gate, &path).await
}

async fn loopback_names() -> Dns {
    Dns::start(|_, _| addresses(&["127.0.0.1"])).await
}

#[tokio::test]
async fn without_a_grant_there_is_no_socket_and_no_name() {
    let (dns, tcp, udp) = (
        loopback_names().await,
        Witness::start().await,
        Datagrams::start().await,
    );
    let gate = gate_with_names("", &dns).await;
    let mut counted = 0;
    for (op, port, step, denied) in [
        ("tcp", tcp.port(), "create", 1),
        ("udp", udp.address().port(), "create", 1),
        ("udp-connect-send", udp.address().port(), "create", 1),
        ("bind", 0, "tcp-bind", 2),
        ("listen", 0, "create", 2),
        ("lookup", 0, "lookup", 1),
    ] {
        let report = ask(&gate, op, "127.0.0.1", port).await;
        assert_eq!(report.outcome(step), DENIED, "{op}: {report}");
        counted += denied;
        assert_eq!(denials(&gate, "sockets", "sockets").await, counted, "{op}");
    }
    for name in ["echo.test", "data-carried-out.evil.test", "localhost"] {
        let report = ask(&gate, "lookup", name, 0).await;
        assert_eq!(report.outcome("lookup"), DENIED, "{report}");
    }
    assert_eq!(dns.asked("test") + dns.asked("localhost"), 0);
    assert_eq!((tcp.connections().await, udp.count().await), (0, 0));
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn tcp_leads_to_what_is_granted_and_nowhere_else() {
    let (granted, other) = (Witness::start().await, Witness::start().await);
    let port = granted.port();
    let gate = gate(&format!(
        "sockets = [\"tcp://127.0.0.1:{port}\"], private_networks = true"
    ))
    .await;
    let report = ask(&gate, "tcp", "127.0.0.1", port).await;
    assert!(report.outcome("receive").ends_with("reached"), "{report}");
    assert_eq!(
        (granted.connections().await, other.connections().await),
        (1, 0)
    );
    for (host, port) in [
        ("127.0.0.1", other.port()),
        ("127.0.0.2", port),
        ("0.0.0.0", port),
        ("[::1]", port),
        ("[::]", port),
        ("[::ffff:127.0.0.1]", other.port()),
    ] {
        let report = ask(&gate, "tcp", host, port).await;
        assert!(
            report.with("ok").len() == 1,
            "only `create`: {host}\n{report}"
        );
    }
    let udp = ask(&gate, "udp", "127.0.0.1", port).await;
    assert_eq!(udp.outcome("create"), DENIED);
    assert_eq!(
        (granted.connections().await, other.connections().await),
        (1, 0)
    );
    assert!(denials(&gate, "sockets", "sockets").await >= 4);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn without_private_networks_no_socket_leads_inside() {
    let (tcp, udp) = (Witness::start().await, Datagrams::start().await);
    let gate = gate("sockets = [\"tcp://*:*\", \"udp://*:*\"]").await;
    for host in [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "localhost",
    ] {
        let report = ask(&gate, "tcp", host, tcp.port()).await;
        let connected = report.outcome("connect");
        assert!(!connected.starts_with("ok"), "{host}: {report}");
        let report = ask(&gate, "udp", host, udp.address().port()).await;
        let sent = report.with("ok");
        assert!(!sent.contains(&"send"), "{host}: {report}");
    }
    assert_eq!((tcp.connections().await, udp.count().await), (0, 0));
    assert!(denials(&gate, "sockets", "sockets").await >= 10);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn a_connected_datagram_socket_does_not_lead_elsewhere() {
    let (granted, other) = (Datagrams::start().await, Datagrams::start().await);
    let port = granted.address().port();
    let gate = gate(&format!(
        "sockets = [\"udp://127.0.0.1:{port}\"], private_networks = true"
    ))
    .await;
    let path = format!(
        "/sockets?op=udp-connect-send&host=127.0.0.1&port={port}&other={}&timeout_ms=10000",
        other.address()
    );
    let report = report(&gate, &path).await;
    assert_eq!(report.outcome("receive"), "ok 4 ping", "{report}");
    assert!(!report.outcome("send-other").starts_with("ok"), "{report}");
    assert_eq!(report.outcome("send-other-again"), DENIED, "{report}");
    let alone = ask(&gate, "udp", "127.0.0.1", other.address().port()).await;
    assert_eq!(alone.outcome("send"), DENIED, "{alone}");
    let connected = ask(
        &gate,
        "udp-connect-send",
        "127.0.0.1",
        other.address().port(),
    )
    .await;
    assert!(!connected.successes().contains(&"send"), "{connected}");
    assert_eq!((granted.count().await, other.count().await), (1, 0));
    assert!(denials(&gate, "sockets", "sockets").await >= 2);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn nobody_listens_and_nobody_chooses_a_local_address() {
    let everything = "sockets = [\"tcp://*:*\", \"udp://*:*\"], private_networks = true";
    let gate = gate(everything).await;
    for (host, port) in [("127.0.0.1", 0), ("0.0.0.0", 47_001), ("[::1]", 0)] {
        let report = ask(&gate, "bind", host, port).await;
        assert_eq!(report.outcome("tcp-bind"), DENIED, "{host}");
        assert_eq!(report.outcome("udp-bind"), DENIED, "{host}");
    }
    for host in ["0.0.0.0", "[::]"] {
        // What a client needs, any port of any address, is there.
        let report = ask(&gate, "bind", host, 0).await;
        assert_eq!(report.successes().len(), 2, "{host}: {report}");
        let report = ask(&gate, "listen", host, 0).await;
        assert_eq!(report.outcome("listen"), DENIED, "{host}: {report}");
        assert!(
            !report.outcome("listen-unbound").starts_with("ok"),
            "{host}: {report}"
        );
    }
    let report = ask(&gate, "listen", "127.0.0.1", 0).await;
    assert_eq!(report.outcome("bind"), DENIED);
    assert!(denials(&gate, "sockets", "sockets").await >= 9);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn a_name_that_is_granted_leads_to_its_addresses_alone() {
    let (dns, witness) = (loopback_names().await, Witness::start().await);
    let port = witness.port();
    let grants = format!("sockets = [\"tcp://echo.test:{port}\"], private_networks = true");
    let gate = gate_with_names(&grants, &dns).await;
    for host in ["echo.test", "ECHO.test.", "127.0.0.1"] {
        let report = ask(&gate, "tcp", host, port).await;
        assert!(
            report.outcome("receive").ends_with("reached"),
            "{host}: {report}"
        );
    }
    assert_eq!(witness.connections().await, 3);
    for host in ["127.0.0.2", "[::1]", "0.0.0.0"] {
        let report = ask(&gate, "tcp", host, port).await;
        assert!(
            !report.outcome("connect").starts_with("ok"),
            "{host}: {report}"
        );
    }
    let elsewhere = ask(&gate, "tcp", "echo.test", Witness::start().await.port()).await;
    assert_eq!(elsewhere.outcome("connect"), DENIED);
    for name in [
        "other.test",
        "echo.test.evil.test",
        "sub.echo.test",
        "xecho.test",
        "localhost",
    ] {
        let report = ask(&gate, "lookup", name, 0).await;
        assert_eq!(report.outcome("lookup"), DENIED, "{name}");
    }
    let others = [
        "other.test",
        "evil.test",
        ".echo.test",
        "xecho.test",
        "localhost",
    ];
    assert_eq!(others.map(|end| dns.asked(end)), [0; 5]);
    assert!(dns.asked("echo.test") > 0);
    assert_eq!(witness.connections().await, 3);
    assert!(denials(&gate, "sockets", "sockets").await >= 8);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn no_socket_leads_to_the_admin_listener() {
    let witness = Witness::start().await;
    let dns = loopback_names().await;
    let grant = "sockets = [\"tcp://127.0.0.1:*\", \"tcp://*:*\"], private_networks = true";
    for grants in [grant.to_owned(), format!("{grant}, mode = \"audit\"")] {
        let gate = gate_with_names(&grants, &dns).await;
        let admin = gate.admin_address().port();
        let hosts = [
            "127.0.0.1",
            "127.0.0.2",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "admin.test",
            "localhost",
        ];
        for host in hosts {
            let report = ask(&gate, "tcp", host, admin).await;
            let connected = report.successes().contains(&"connect");
            assert!(!connected, "{host}: {report}");
        }
        // Sockets themselves refuse unspecified and v4-mapped addresses.
        assert!(denials(&gate, "sockets", "sockets").await >= hosts.len() - 3);
        // The control: every other port is there.
        let report = ask(&gate, "tcp", "127.0.0.1", witness.port()).await;
        assert!(report.outcome("receive").ends_with("reached"), "{report}");
        assert_unharmed(&gate).await;
    }
    assert_eq!(witness.connections().await, 2);
}
