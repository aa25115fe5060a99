//! Guests that touch everything, with nothing granted.

use super::{assert_unharmed, denials, report, setup};
use crate::support::Gate;

const EVERYTHING: &str = "import-everything";

#[tokio::test]
async fn with_nothing_granted_nothing_is_there() {
    let gate = setup().guest(EVERYTHING).start().await;
    let report = report(&gate, "/import-everything").await;
    for (call, outcome) in [
        ("cli/environment.get-environment", "ok 0"),
        ("cli/environment.get-arguments", "ok 0"),
        ("cli/environment.initial-cwd", "ok none"),
        ("cli/stdin.get-stdin", "error:closed"),
        ("cli/terminal-stdin.get-terminal-stdin", "ok none"),
        ("cli/terminal-stdout.get-terminal-stdout", "ok none"),
        ("cli/terminal-stderr.get-terminal-stderr", "ok none"),
        ("filesystem/preopens.get-directories", "ok 0"),
        (
            "http/outgoing-handler.handle-http",
            "denied:http-request-denied",
        ),
        (
            "http/outgoing-handler.handle-https",
            "denied:http-request-denied",
        ),
    ] {
        assert_eq!(report.outcome(call), outcome, "{call}");
    }
    let sockets: Vec<_> = report.iter().filter(|(call, _)| is_socket(call)).collect();
    assert!(sockets.len() > 9, "{report}");
    for (call, outcome) in &sockets {
        assert_eq!(*outcome, "denied:access-denied", "{call}");
    }
    assert_eq!(denials(&gate, EVERYTHING, "sockets").await, sockets.len());
    assert_eq!(denials(&gate, EVERYTHING, "http").await, 2);
    assert_unharmed(&gate).await;
}

fn is_socket(call: &str) -> bool {
    call.starts_with("sockets/")
}

/// The control: the same guest finds all of it where it is granted.
#[tokio::test]
async fn with_everything_granted_all_of_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let files = format!("[{{ source = {:?}, at = \"/data\" }}]", dir.path());
    let grants = format!(
        "environment = {{ REGION = \"eu\" }}, files = {files}, private_networks = true, \
         http = [\"http://*:*\", \"https://*:*\"], sockets = [\"tcp://*:*\", \"udp://*:*\"]"
    );
    let lines = format!("capabilities = {{ {grants} }}");
    let gate = setup().guest_with(EVERYTHING, &lines).start().await;
    let report = report(&gate, "/import-everything").await;
    for (call, outcome) in [
        ("cli/environment.get-environment", "ok 1"),
        ("filesystem/preopens.get-directories", "ok 1"),
        ("filesystem/types.read-directory", "ok 0"),
        ("sockets/tcp-create-socket.create-tcp-socket", "ok"),
        ("sockets/tcp.connect", "error:connection-refused"),
        ("sockets/tcp.bind", "ok"),
        // Never, whatever is granted.
        ("sockets/tcp.listen", "denied:access-denied"),
        ("sockets/udp.send", "ok 1"),
        (
            "http/outgoing-handler.handle-http",
            "error:connection-refused",
        ),
    ] {
        assert_eq!(report.outcome(call), outcome, "{call}");
    }
    assert_eq!(denials(&gate, EVERYTHING, "http").await, 0);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn time_and_chance_that_are_taken_away_trap() {
    let gate = setup()
        .guest_with(
            EVERYTHING,
            "capabilities = { clocks = false, random = false }",
        )
        .guest_with(
            "clock-random",
            "capabilities = { clocks = false, random = false }",
        )
        .start()
        .await;
    assert_eq!(gate.get("/import-everything").await.status(), 502);
    assert_eq!(denials(&gate, EVERYTHING, "clocks").await, 1);
    for source in [
        "wall-clock",
        "monotonic-clock",
        "random",
        "insecure-random",
        "insecure-seed",
    ] {
        let path = format!("/clock-random?only={source}");
        assert_eq!(gate.get(&path).await.status(), 502, "{source}");
    }
    assert_eq!(denials(&gate, "clock-random", "clocks").await, 2);
    assert_eq!(denials(&gate, "clock-random", "random").await, 3);
    assert_unharmed(&gate).await;
}

/// The control to the test before: by default both are there.
#[tokio::test]
async fn time_and_chance_are_there_unless_taken_away() {
    let gate = setup().guest("clock-random").start().await;
    let report = report(&gate, "/clock-random").await;
    assert_eq!(report.successes().len(), 5, "{report}");
}

#[tokio::test]
async fn configuration_that_is_not_granted_is_not_there() {
    let granted = "capabilities = { config = { other = \"value\" } }";
    let gate = setup()
        .guest("config")
        .component("granted", &crate::support::guest("config"), granted)
        .route("prefix = \"/granted\"\ncomponent = \"granted\"")
        .start()
        .await;
    let ungranted = gate.get("/config?key=api_key").await;
    assert_eq!(ungranted.text(), "get api_key: none\n");
    assert_eq!(denials(&gate, "config", "config").await, 1);
    let granted = gate.get("/granted?key=other").await;
    assert!(
        granted.text().ends_with("get other: ok value\n"),
        "{}",
        granted.text()
    );
    assert_eq!(denials(&gate, "granted", "config").await, 0);
    assert_unharmed(&gate).await;
}

#[tokio::test]
async fn an_exit_ends_the_guest_and_not_the_gateway() {
    let mut gate: Gate = setup().guest(EVERYTHING).start().await;
    for _ in 0..20 {
        gate.get("/import-everything?exit=1").await;
    }
    assert!(!gate.has_ended());
    assert_unharmed(&gate).await;
}
