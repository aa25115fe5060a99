//! `environment` and `config`: a guest is told what it is granted, and nobody else is.

use std::path::Path;

use rustix::process::Signal;

use crate::support::{Gate, Setup, airgate_with, eventually, get};

/// The exit status for an invalid configuration.
const INVALID: i32 = 3;
const SECRET: &str = "hunter2-s3cr3t";

/// One guest with these capabilities.
fn told(guest: &str, capabilities: &str) -> Setup {
    let lines = format!("[component.{guest}.capabilities]\n{capabilities}");
    Setup::default().guest_with(guest, &lines)
}

async fn said(gate: &Gate, path: &str) -> String {
    let answer = gate.get(path).await.whole();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().to_owned()
}

#[tokio::test]
async fn a_guest_has_the_variables_it_is_granted_and_nothing_of_the_hosts() {
    let granted = "environment = { REGION = \"eu\", TOLD = { env = \"AIRGATE_TEST_TOLD\" } }";
    let gate = told("env", granted)
        .environment("AIRGATE_TEST_TOLD", SECRET)
        .environment("AIRGATE_TEST_UNTOLD", "mine")
        .start()
        .await;
    let expected = format!("env REGION=eu\nenv TOLD={SECRET}\n");
    assert_eq!(said(&gate, "/env").await, expected);
    let without = Gate::serving(["env"]).environment("AIRGATE_TEST_UNTOLD", "mine");
    assert_eq!(said(&without.start().await, "/env").await, "");
}

#[tokio::test]
async fn a_variable_that_the_host_does_not_have_is_a_mistake() {
    let granted = "environment = { TOLD = { env = \"AIRGATE_TEST_ABSENT\" } }";
    let refusal = told("env", granted)
        .try_start()
        .await
        .err()
        .expect("no start");
    assert_eq!(refusal.status.code(), Some(INVALID), "{}", refusal.stderr);
    assert!(
        refusal.stderr.contains("AIRGATE_TEST_ABSENT"),
        "{}",
        refusal.stderr
    );
}

#[tokio::test]
async fn a_guest_has_the_configuration_it_is_granted() {
    let gate = told(
        "config",
        "config = { currency = \"EUR\", empty = \"\", told = { env = \"AIRGATE_TEST_TOLD\" } }",
    )
    .environment("AIRGATE_TEST_TOLD", "from the host")
    .start()
    .await;
    let all = "config currency=EUR\nconfig empty=\nconfig told=from the host\n";
    assert_eq!(said(&gate, "/config").await, all);
    let one = said(&gate, "/config?key=currency").await;
    assert_eq!(one, format!("{all}get currency: ok EUR\n"));
    assert_eq!(gate.denied("config", "config").await, 0.0);
}

#[tokio::test]
async fn a_key_that_is_not_granted_is_none_and_counted() {
    let gate = told("config", "config = { currency = \"EUR\" }")
        .start()
        .await;
    for count in 1..=3_u8 {
        let answer = gate.get("/config?key=api_key").await.whole();
        assert_eq!(answer.text(), "config currency=EUR\nget api_key: none\n");
        assert_eq!(gate.denied("config", "config").await, f64::from(count));
        let events = gate.audit_of("config").await;
        assert_eq!(events.len(), count as usize);
        assert_eq!(
            (&events[0]["kind"], &events[0]["target"]),
            (&"denied".into(), &"api_key".into())
        );
    }
    drop(gate);
    // Without any grant there is a store, and nothing in it.
    let gate = Gate::serving(["config"]).start().await;
    assert_eq!(
        said(&gate, "/config?key=api_key").await,
        "get api_key: none\n"
    );
    assert_eq!(gate.denied("config", "config").await, 1.0);
}

/// A value in a file, given to an instance that is kept.
fn from_file(file: &Path) -> Setup {
    let lines = format!(
        "instances = {{ reuse = 1_000 }}\n[component.config.capabilities]\nconfig = {{ key = {{ file = {file:?} }} }}"
    );
    Setup::default().guest_with("config", &lines)
}

#[tokio::test]
async fn a_value_in_a_file_is_read_again_on_every_reload() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "0\n").unwrap();
    let gate = from_file(&file).start().await;
    assert_eq!(said(&gate, "/config").await, "config key=0\n");
    for value in ["1", "2", "3"] {
        std::fs::write(&file, format!("{value}\n")).unwrap();
        assert_eq!(gate.reload().await.status(), 200);
        assert_eq!(
            said(&gate, "/config").await,
            format!("config key={value}\n")
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(gate.reload().await.status(), 422);
    assert_eq!(said(&gate, "/config").await, "config key=3\n");
}

#[tokio::test]
async fn a_value_in_a_file_is_noticed_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "0").unwrap();
    let gate = from_file(&file).start().await;
    assert_eq!(said(&gate, "/config").await, "config key=0\n");
    std::fs::write(&file, "written").unwrap();
    eventually("the written value", async || {
        said(&gate, "/config").await == "config key=written\n"
    })
    .await;
    // As most tools do: another file takes its place.
    let next = dir.path().join("next");
    std::fs::write(&next, "renamed").unwrap();
    std::fs::rename(&next, &file).unwrap();
    eventually("the renamed value", async || {
        said(&gate, "/config").await == "config key=renamed\n"
    })
    .await;
}

#[tokio::test]
async fn a_new_value_holds_for_kept_instances_too() {
    let setup = |value: &str| {
        let lines = format!(
            "instances = {{ reuse = 1_000 }}\n[component.env.capabilities]\nenvironment = {{ VALUE = {value:?} }}"
        );
        Setup::default().guest_with("env", &lines)
    };
    let mut gate = setup("0").start().await;
    assert_eq!(said(&gate, "/env").await, "env VALUE=0\n");
    for value in ["1", "2"] {
        gate.rewrite(setup(value));
        assert_eq!(gate.reload().await.status(), 200);
        assert_eq!(said(&gate, "/env").await, format!("env VALUE={value}\n"));
    }
}

/// Secrets in every way that they can be given.
fn secretive(file: &Path) -> Setup {
    let lines = |guest: &str, values: &str| format!("[component.{guest}.capabilities]\n{values}");
    let values = format!(
        "{{ here = \"{SECRET}-1\", there = {{ env = \"AIRGATE_TEST_SECRET\" }}, file = {{ file = {file:?} }} }}"
    );
    Setup::default()
        .guest_with("env", &lines("env", &format!("environment = {values}")))
        .guest_with("config", &lines("config", &format!("config = {values}")))
        .guest_with("trap", &lines("trap", &format!("config = {values}")))
        .environment("AIRGATE_TEST_SECRET", SECRET)
}

#[tokio::test]
async fn a_secret_is_told_to_its_guest_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    crate::support::write_token(state.path());
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{SECRET}-2")).unwrap();
    let setup = secretive(&file)
        .state(state.path())
        .environment("RUST_LOG", "debug");
    let mut gate = setup.clone().start().await;
    assert_eq!(said(&gate, "/env").await.matches(SECRET).count(), 3);
    assert_eq!(
        said(&gate, "/config?key=absent")
            .await
            .matches(SECRET)
            .count(),
        3
    );
    assert_eq!(gate.get("/trap").await.status(), 502);
    // A reload that works, and one that does not, with the secret beside the mistake.
    std::fs::write(&file, format!("{SECRET}-3")).unwrap();
    let mut said_elsewhere = vec![gate.reload().await.text().to_owned()];
    let mistaken = format!("[component.x.capabilities]\nconfig = {{ a = \"{SECRET}\", b = 5 }}");
    gate.rewrite(setup.clone().guest("hello").lines(&mistaken));
    let refused = gate.reload().await;
    assert_eq!(refused.status(), 422);
    said_elsewhere.push(refused.text().to_owned());
    let broken = gate.config().to_str().unwrap().to_owned();
    let environment = [("AIRGATE_TEST_SECRET", SECRET)];
    for arguments in [
        &["check", "--config", &broken][..],
        &["check", "--json", "--config", &broken],
    ] {
        let output = airgate_with(arguments, &environment);
        assert_eq!(output.status.code(), Some(INVALID), "{output:?}");
        said_elsewhere.push(format!("{output:?}"));
    }
    gate.rewrite(setup);
    for arguments in [
        &["check", "--config", &broken][..],
        &["check", "--json", "--config", &broken],
    ] {
        let output = airgate_with(arguments, &environment);
        assert!(output.status.success(), "{output:?}");
        said_elsewhere.push(format!("{output:?}"));
    }
    for path in [
        "/metrics",
        "/v1/routes",
        "/v1/components",
        "/v1/components/env",
        "/v1/components/config",
        "/v1/audit?limit=1000",
    ] {
        let answer = gate.admin(get(path)).await;
        assert_eq!(answer.status(), 200, "{path}");
        said_elsewhere.push(answer.text().to_owned());
    }
    gate.signal(Signal::TERM);
    assert!(
        gate.exit_within(std::time::Duration::from_secs(10))
            .await
            .success()
    );
    gate.log.line("draining").await;
    let log = gate.log.text();
    assert!(log.contains("guest failed"), "{log}");
    said_elsewhere.extend([log, gate.stdout.text()]);
    said_elsewhere.push(std::fs::read_to_string(state.path().join("audit/audit.jsonl")).unwrap());
    for text in said_elsewhere {
        assert!(!text.contains(SECRET), "{text}");
    }
}
