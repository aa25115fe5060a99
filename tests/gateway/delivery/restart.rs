//! What is delivered outlives the process.

use rustix::process::Signal;
use std::time::Duration;

use super::{letter, serving_a};
use crate::support::{Gate, bytes_of, guest, marked, write_token};

fn state() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_token(dir.path());
    dir
}

async fn stop(mut gate: Gate) {
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(Duration::from_secs(20)).await.success());
}

#[tokio::test]
async fn what_was_deployed_serves_after_a_restart_while_the_file_says_the_same() {
    let state = state();
    let setup = serving_a("version = \"1\"").state(state.path());
    let gate = setup.clone().start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    stop(gate).await;
    let gate = setup.start().await;
    assert_eq!(letter(&gate).await, "b");
    assert_eq!(gate.steer("version", "rollback").await.status(), 200);
    assert_eq!(letter(&gate).await, "a");
}

#[tokio::test]
async fn the_file_wins_once_it_names_other_bytes() {
    let state = state();
    let source = state.path().join("version.wasm");
    std::fs::copy(guest("version-a"), &source).unwrap();
    let setup = Gate::serving([])
        .component("version", &source, "")
        .route("prefix = \"/\"\ncomponent = \"version\"")
        .state(state.path());
    let gate = setup.clone().start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    assert_eq!(letter(&gate).await, "b");
    std::fs::write(&source, marked(&bytes_of("version-a"), "newer")).unwrap();
    gate.reloads().await;
    assert_eq!(letter(&gate).await, "a");
    stop(gate).await;
    let gate = setup.start().await;
    assert_eq!(letter(&gate).await, "a");
    // What was deployed before is still there to go back to.
    assert_eq!(
        gate.steer_with("version", "rollback", "{\"to\": \"2\"}")
            .await
            .status(),
        200
    );
    assert_eq!(letter(&gate).await, "b");
}

#[tokio::test]
async fn a_rollout_goes_on_after_a_restart() {
    let state = state();
    let lines = "version = \"1\"\n[component.version.rollout]\nstrategy = \"rolling\"\nsteps = [50]\ninterval = \"6s\"";
    let setup = serving_a(lines).state(state.path());
    let gate = setup.clone().start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    stop(gate).await;
    let gate = setup.start().await;
    assert_eq!(gate.phase("version").await, "running");
    gate.reaches("version", "promoted").await;
}

#[tokio::test]
async fn a_damaged_journal_is_named_and_nothing_is_guessed() {
    let state = state();
    let setup = serving_a("version = \"1\"").state(state.path());
    let gate = setup.clone().start().await;
    gate.deploy("version", "2", bytes_of("version-b")).await;
    stop(gate).await;
    let journal = state.path().join("journal/journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let refusal = setup.try_start().await.err().expect("it does not start");
    assert!(refusal.stderr.contains("journal"), "{}", refusal.stderr);
}

#[tokio::test]
async fn two_nodes_do_not_share_a_state_directory() {
    let state = state();
    let setup = serving_a("").state(state.path());
    let gate = setup.clone().start().await;
    let refusal = setup
        .try_start()
        .await
        .err()
        .expect("the second one does not start");
    assert!(
        refusal.stderr.contains("state directory"),
        "{}",
        refusal.stderr
    );
    assert_eq!(letter(&gate).await, "a");
}

#[tokio::test]
async fn a_deployed_version_that_is_gone_from_disk_leaves_what_the_file_names() {
    let state = state();
    let setup = serving_a("version = \"1\"").state(state.path());
    let gate = setup.clone().start().await;
    let status = gate.deploy("version", "2", bytes_of("version-b")).await;
    let digest = status["versions"][1]["digest"].as_str().unwrap().to_owned();
    stop(gate).await;
    let hex = digest.trim_start_matches("sha256:");
    std::fs::remove_file(state.path().join(format!("artifacts/{hex}.wasm"))).unwrap();
    let gate = setup.start().await;
    assert_eq!(letter(&gate).await, "a");
    gate.log.line("what was deployed cannot be loaded").await;
}
