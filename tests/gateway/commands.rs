//! The verbs that ask a running gate: what they do, what they print, and how they end.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Gate, Log, Setup, airgate, airgate_with, eventually, guest, within, write_token,
};

/// A step that nobody waits for.
const LONG: &str =
    "rollout = { strategy = \"canary\", steps = [50], interval = \"1h\", min_requests = 5 }";
/// Quick, and judged by few requests.
const QUICK: &str =
    "rollout = { strategy = \"canary\", steps = [50], interval = \"1s\", min_requests = 5 }";

/// A gate with `cart` at `/cart`, which answers `a` as its version 1.4.2.
struct Scene {
    gate: Gate,
    state: TempDir,
}

impl Scene {
    /// `lines` are more of `[component.cart]`.
    async fn start(lines: &str) -> Self {
        Self::of(|setup| setup, lines).await
    }

    async fn of(more: impl FnOnce(Setup) -> Setup, lines: &str) -> Self {
        // What is deployed is kept there, so that gates cannot share it.
        let state = tempfile::tempdir().unwrap();
        write_token(state.path());
        let setup = Setup::default()
            .state(state.path())
            .component(
                "cart",
                &guest("version-a"),
                &format!("version = \"1.4.2\"\n{lines}"),
            )
            .route("prefix = \"/cart\"\ncomponent = \"cart\"");
        Self {
            gate: more(setup).start().await,
            state,
        }
    }

    /// The arguments of a verb, with where it finds this gate.
    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let admin = format!("http://{}", self.gate.admin_address());
        let config = self.gate.config().display().to_string();
        let here = ["--admin", &admin, "--config", &config];
        let all = arguments.iter().chain(&here);
        all.map(ToString::to_string).collect()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(&self.arguments(arguments))
    }

    /// A verb that must do what it was asked for; what it prints.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&self.done(&all)).unwrap()
    }

    /// Deploys `b` as 1.5.0.
    fn deploy(&self, more: &[&str]) -> Output {
        let file = guest("version-b");
        let mut all = vec![
            "deploy",
            "cart",
            file.to_str().unwrap(),
            "--version",
            "1.5.0",
        ];
        all.extend(more);
        self.run(&all)
    }

    /// The file with the token of this gate.
    fn token(&self) -> PathBuf {
        self.state.path().join("admin.token")
    }

    async fn serves(&self, letter: &str) -> bool {
        self.gate.get("/cart").await.text() == letter
    }

    /// A verb that runs on, with what it writes to stdout and to stderr.
    fn spawn(&self, arguments: &[&str]) -> (Running, Log, Log) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airgate"));
        command.args(self.arguments(arguments)).env("NO_COLOR", "1");
        command.stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, _) = Log::collect(child.stdout.take().unwrap());
        let (stderr, _) = Log::collect(child.stderr.take().unwrap());
        (Running(child), stdout, stderr)
    }
}

/// Ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.0), Signal::INT).unwrap();
    }

    /// It has a handler for what would end it else.
    fn heeds_interrupts(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let mut lines = status.lines();
        let caught = lines.find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        (caught >> (Signal::INT.as_raw() - 1)) & 1 == 1
    }

    async fn code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("the verb ends", async || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.and_then(|status| status.code())
    }
}

fn run(arguments: &[String]) -> Output {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    airgate(&arguments)
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an end by itself")
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn refused(output: &Output, ends: i32, says: &str) {
    assert_eq!(code(output), ends, "{output:?}");
    assert!(err(output).contains(says), "no {says:?} in {output:?}");
    assert_eq!(out(output), "", "an error is told on stderr alone");
}

#[tokio::test]
async fn a_deployed_version_serves_and_a_rollback_brings_back_the_last() {
    let scene = Scene::start("").await;
    assert!(scene.serves("a").await);
    let deployed = scene.deploy(&["--reason", "a new letter"]);
    assert_eq!(code(&deployed), 0, "{deployed:?}");
    assert_eq!(out(&deployed), "cart serves 1.5.0 100%\n");
    assert!(scene.serves("b").await);

    assert_eq!(
        scene.done(&["rollback", "cart", "--reason", "the old letter"]),
        "cart serves 1.4.2 100%\n"
    );
    assert!(scene.serves("a").await);
    assert_eq!(
        scene.done(&["rollback", "cart", "--to", "1.5.0", "--wait"]),
        "cart serves 1.5.0 100%\n"
    );
    assert!(scene.serves("b").await);

    let history = scene.done(&["versions", "cart", "--history"]);
    for part in ["deployed", "rolled back", "a new letter", "the old letter"] {
        assert!(history.contains(part), "no {part:?} in\n{history}");
    }
    let records = scene.json(&["versions", "cart", "--history", "--limit", "1"]);
    assert_eq!(records.as_array().unwrap().len(), 1, "{records}");
}

#[tokio::test]
async fn status_and_versions_show_what_serves_and_what_is_kept() {
    let scene = Scene::start("").await;
    assert_eq!(code(&scene.deploy(&[])), 0);
    let all = scene.json(&["status"]);
    assert_eq!(all[0]["component"], "cart");
    let one = scene.json(&["status", "cart"]);
    assert_eq!(one["traffic"], serde_json::json!({ "1.5.0": 1 }));
    let table = scene.done(&["status"]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("COMPONENT"), "{table}");
    assert!(
        lines[1].contains("1.5.0") && lines[1].contains("100%"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "colours without a terminal");

    let versions = scene.done(&["versions", "cart"]);
    for part in [
        "1.4.2",
        "file",
        "1.5.0",
        "deployed",
        "rollback goes back to 1.4.2 100%",
    ] {
        assert!(versions.contains(part), "no {part:?} in\n{versions}");
    }
    assert!(scene.done(&["routes"]).contains("component cart"));
    assert_eq!(scene.json(&["routes"])[0]["prefix"], "/cart");
}

#[tokio::test]
async fn a_version_without_a_name_is_called_by_its_digest_and_may_get_no_traffic() {
    let scene = Scene::start("").await;
    let file = guest("version-b");
    let deploy = ["deploy", "cart", file.to_str().unwrap(), "--no-traffic"];
    let status = scene.json(&deploy);
    let added = &status["versions"][1];
    let digest = added["digest"].as_str().unwrap();
    assert_eq!(added["name"], digest["sha256:".len()..][..12]);
    assert_eq!(added["weight"], 0);
    assert!(scene.serves("a").await);
    let again = scene.run(&deploy);
    assert_eq!(code(&again), 0);
    assert!(err(&again).contains("was there already"), "{again:?}");
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_the_reason() {
    let scene = Scene::start("").await;
    let before = scene.json(&["status", "cart"]);
    let module = guest("core-module");
    let module = module.to_str().unwrap();
    refused(&scene.run(&["deploy", "cart", module]), 1, "core module");
    refused(
        &scene.run(&["deploy", "cart", "/nonexistent.wasm"]),
        1,
        "cannot read",
    );
    let taken = guest("version-b");
    let taken = [
        "deploy",
        "cart",
        taken.to_str().unwrap(),
        "--version",
        "1.4.2",
    ];
    refused(&scene.run(&taken), 1, "other bytes");
    assert_eq!(scene.json(&["status", "cart"]), before);
    assert!(scene.serves("a").await);
}

#[tokio::test]
async fn nobody_overwrites_what_another_has_changed() {
    let scene = Scene::start("").await;
    let generation = scene.json(&["status", "cart"])["generation"].to_string();
    let on = |verb: &[&str]| {
        let mut all = verb.to_vec();
        all.extend(["--if-generation", &generation]);
        scene.run(&all)
    };
    assert_eq!(code(&scene.deploy(&["--if-generation", &generation])), 0);
    for verb in [&["rollback", "cart"][..], &["traffic", "cart", "1.4.2=1"]] {
        refused(&on(verb), 1, "changed meanwhile");
    }
    assert!(scene.serves("b").await);
}

#[tokio::test]
async fn weights_are_set_by_hand() {
    let scene = Scene::start("").await;
    assert_eq!(code(&scene.deploy(&["--no-traffic"])), 0);
    let split = scene.done(&["traffic", "cart", "1.4.2=3", "1.5.0=1"]);
    assert_eq!(split, "cart serves 1.4.2 75%, 1.5.0 25%\n");
    let answers = [(); 8].map(|()| scene.gate.get("/cart"));
    let mut news = 0;
    for answer in answers {
        news += usize::from(answer.await.text() == "b");
    }
    assert_eq!(news, 2);
    refused(&scene.run(&["traffic", "cart", "nothing=1"]), 1, "nothing");
}

#[tokio::test]
async fn a_rollout_is_paused_resumed_promoted_and_aborted() {
    let scene = Scene::start(LONG).await;
    let deployed = scene.deploy(&[]);
    assert!(
        out(&deployed).contains("canary, step 1 of 2 at 50%, running"),
        "{deployed:?}"
    );
    let phase = || scene.json(&["status", "cart"])["rollout"]["phase"].clone();
    assert!(scene.done(&["pause", "cart"]).contains("paused"));
    assert_eq!(phase(), "paused");
    scene.done(&["resume", "cart", "--reason", "go on"]);
    assert_eq!(phase(), "running");
    assert_eq!(scene.done(&["abort", "cart"]), "cart serves 1.4.2 100%\n");
    assert_eq!(phase(), "aborted");
    refused(&scene.run(&["abort", "cart"]), 1, "");

    assert_eq!(code(&scene.deploy(&[])), 0);
    assert_eq!(scene.done(&["promote", "cart"]), "cart serves 1.5.0 100%\n");
    assert_eq!(phase(), "promoted");
    assert!(scene.serves("b").await);
}

#[tokio::test]
async fn waiting_for_a_promotion_ends_with_0() {
    let scene =
        Scene::start("rollout = { strategy = \"rolling\", steps = [50], interval = \"300ms\" }")
            .await;
    let waited = scene.deploy(&["--wait"]);
    assert_eq!(code(&waited), 0, "{waited:?}");
    assert_eq!(out(&waited), "cart serves 1.5.0 100%\n");
    let lines = err(&waited);
    assert!(lines.contains("rolling, 50% > 100%"), "{lines}");
    assert!(
        lines.lines().last().unwrap().contains("promoted"),
        "{lines}"
    );
    assert!(!lines.contains('\u{1b}'), "drawn without a terminal");

    // It serves already: there is nothing to wait for.
    let again = scene.deploy(&["--wait"]);
    assert_eq!(code(&again), 0, "{again:?}");
}

#[tokio::test]
async fn waiting_for_a_rollback_ends_with_5_and_tells_why() {
    let scene = Scene::start(QUICK).await;
    // Answers with the status that a request asks for, which the other version does not.
    let bad = guest("status");
    let deploy = [
        "deploy",
        "cart",
        bad.to_str().unwrap(),
        "--version",
        "bad",
        "--wait",
    ];
    let arguments = scene.arguments(&deploy);
    let verb = tokio::task::spawn_blocking(move || run(&arguments));
    while !verb.is_finished() {
        scene.gate.get("/cart?code=500").await;
    }
    let waited = within(Duration::from_secs(30), "the verb", verb)
        .await
        .unwrap();
    assert_eq!(code(&waited), 5, "{waited:?}");
    assert_eq!(out(&waited), "cart serves 1.4.2 100%\n");
    let lines = err(&waited);
    for part in ["bad was rolled back", "candidate: ", "stable: ", "errors ("] {
        assert!(lines.contains(part), "no {part:?} in\n{lines}");
    }
    assert!(scene.serves("a").await);
}

#[tokio::test]
async fn an_aborted_rollout_ends_the_waiting_with_5() {
    let scene = Scene::start(LONG).await;
    let file = guest("version-b");
    let file = file.to_str().unwrap();
    let deploy = ["deploy", "cart", file, "--version", "1.5.0", "--wait"];
    let (mut verb, _, stderr) = scene.spawn(&deploy);
    eventually("it waits", async || stderr.text().contains("canary")).await;
    scene.done(&["abort", "cart", "--reason", "not today"]);
    assert_eq!(verb.code().await, Some(5));
    eventually("it says why", async || {
        stderr.text().contains("1.5.0 was aborted: not today")
    })
    .await;
}

#[tokio::test]
async fn who_stops_waiting_does_not_stop_the_rollout() {
    let scene = Scene::start(LONG).await;
    let late = scene.deploy(&["--wait", "--timeout", "500ms"]);
    assert_eq!(code(&late), 1);
    assert!(err(&late).contains("the rollout goes on"), "{late:?}");

    let file = guest("version-b");
    let file = file.to_str().unwrap();
    let deploy = ["deploy", "cart", file, "--version", "1.5.0", "--wait"];
    let (mut verb, _, stderr) = scene.spawn(&deploy);
    eventually("it waits", async || stderr.text().contains("canary")).await;
    verb.interrupt();
    assert_eq!(verb.code().await, Some(1));
    eventually("it says so", async || {
        stderr.text().contains("the rollout goes on")
    })
    .await;
    let rollout = &scene.json(&["status", "cart"])["rollout"];
    assert_eq!(rollout["phase"], "running");
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let scene = Scene::start("").await;
    // First, as nothing tells when it listens: by the time the others have heard something.
    let (mut other, nothing, _) = scene.spawn(&["events", "other"]);
    eventually("it runs", async || other.heeds_interrupts()).await;
    let (mut lines, told, _) = scene.spawn(&["events"]);
    let (mut json, documents, _) = scene.spawn(&["events", "cart", "--json"]);
    // Again and again: what happened before they listened is not told.
    eventually("the events", async || {
        scene.done(&["traffic", "cart", "1.4.2=1"]);
        told.text().contains("cart  traffic: 1.4.2 100%") && !documents.lines().is_empty()
    })
    .await;
    assert_eq!(documents.lines()[0]["component"], "cart");
    assert_eq!(nothing.text(), "");
    for verb in [&mut lines, &mut json, &mut other] {
        verb.interrupt();
        assert_eq!(verb.code().await, Some(0));
    }
}

#[tokio::test]
async fn reload_obeys_the_file_or_says_what_is_wrong_with_it() {
    let mut scene = Scene::start("").await;
    let setup = scene.gate.setup.clone();
    scene.gate.rewrite(
        setup
            .clone()
            .route("path = \"/new\"\nrespond = { status = 204 }"),
    );
    scene.done(&["reload"]);
    assert_eq!(scene.gate.get("/new").await.status(), 204);
    scene.gate.rewrite(setup.route("path = \"no-slash\""));
    refused(&scene.run(&["reload"]), 3, "no-slash");
    assert_eq!(scene.gate.get("/new").await.status(), 204);
}

#[tokio::test]
async fn drain_ends_the_gate_and_then_nobody_answers() {
    // Not a port, which may be another gate's as soon as it is free.
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let listen = format!("listen = \"unix:{}\"", socket.display());
    let mut scene = Scene::of(|setup| setup.admin(&listen), "").await;
    let config = scene.gate.config();
    let here = |verb| airgate(&[verb, "--config", config.to_str().unwrap()]);
    let asked = here("drain");
    assert_eq!(code(&asked), 0, "{asked:?}");
    let ended = scene.gate.exit_within(Duration::from_secs(20)).await;
    assert!(ended.success());
    refused(&here("status"), 4, "cannot be reached");
}

#[tokio::test]
async fn a_wrong_token_fails_with_a_hint_and_a_right_one_may_be_anywhere() {
    let scene = Scene::start("").await;
    let arguments = scene.arguments(&["status", "--json"]);
    let with = |token: &str, more: &[&str]| {
        let mut all: Vec<_> = arguments.iter().map(String::as_str).collect();
        all.extend(more);
        airgate_with(&all, &[("AIRGATE_ADMIN_TOKEN", token)])
    };
    let wrong = with("wrong", &[]);
    assert_eq!(code(&wrong), 1, "{wrong:?}");
    assert!(err(&wrong).contains("AIRGATE_ADMIN_TOKEN"), "{wrong:?}");
    // What the admin API answered is still printed as it came.
    let problem: Value = serde_json::from_str(out(&wrong)).unwrap();
    assert_eq!(problem["status"], 401);
    let kept = scene.token();
    assert_eq!(
        code(&with("wrong", &["--token-file", kept.to_str().unwrap()])),
        0
    );
    let token = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(code(&with(token.trim(), &[])), 0);
}

#[tokio::test]
async fn unknown_components_and_versions_fail() {
    let scene = Scene::start("").await;
    let file = guest("version-b");
    let file = file.to_str().unwrap();
    for verb in [
        &["status", "nobody"][..],
        &["versions", "nobody"],
        &["rollback", "nobody"],
        &["pause", "nobody"],
        &["traffic", "nobody", "a=1"],
        &["deploy", "nobody", file],
    ] {
        refused(&scene.run(verb), 1, "nobody");
    }
    refused(&scene.run(&["rollback", "cart", "--to", "9.9"]), 1, "9.9");
}

#[test]
fn wrong_usage_ends_with_2_before_anybody_is_asked() {
    for wrong in [
        &["deploy", "cart"][..],
        &["deploy", "cart", "a.wasm", "--steps", "25,5"],
        &["deploy", "cart", "a.wasm", "--strategy", "slowly"],
        &["deploy", "../cart", "a.wasm"],
        &["traffic", "cart"],
        &["traffic", "cart", "a=0"],
        &["traffic", "cart", "a=1", "a=2"],
        &["rollback"],
        &["status", "--admin", "ftp://localhost"],
    ] {
        assert_eq!(code(&airgate(wrong)), 2, "{wrong:?}");
    }
    for verb in [
        "deploy", "promote", "rollback", "pause", "resume", "abort", "traffic", "status",
        "versions", "events", "routes", "reload", "drain",
    ] {
        let help = airgate(&[verb, "--help"]);
        assert_eq!(code(&help), 0, "{verb}");
        assert!(out(&help).contains("--admin"), "{verb}");
    }
    assert!(out(&airgate(&["deploy", "--help"])).contains("Exit codes"));
}

#[test]
fn where_nobody_listens_ends_with_4() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("routes.toml");
    let config = config.to_str().unwrap();
    for (text, says) in [
        ("[admin]\nlisten = \"unix:admin.sock\"\n", "admin.sock"),
        ("[admin]\nlisten = \"off\"\n", "--admin URL"),
        ("[admin]\nlisten = \"127.0.0.1:0\"\n", "--admin URL"),
    ] {
        std::fs::write(config, text).unwrap();
        refused(&airgate(&["status", "--config", config]), 4, says);
    }
}

/// Changes the file behind the gate's back.
fn spoil(gate: &Gate, how: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(gate.config()).unwrap();
    std::fs::write(gate.config(), how(text)).unwrap();
}

#[tokio::test]
async fn rollback_works_while_the_file_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let listen = format!("listen = \"unix:{}\"", socket.display());
    let scene = Scene::of(|setup| setup.admin(&listen), "").await;
    let config = scene.gate.config();
    let config = config.to_str().unwrap();
    let file = guest("version-b");
    let file = file.to_str().unwrap();
    let deploy = [
        "deploy",
        "cart",
        file,
        "--version",
        "1.5.0",
        "--config",
        config,
    ];
    let here = |verb: &[&str]| {
        let output = airgate(verb);
        assert_eq!(code(&output), 0, "{verb:?}: {output:?}");
        output
    };
    here(&deploy);
    assert!(scene.serves("b").await);

    // Mistakes that only a check finds, and syntax that ends in the middle.
    spoil(&scene.gate, |text| {
        let text = text.replacen("version = 1", "version = 99\nnonsense = [1,\n", 1);
        text + "[[route\nx = = 1"
    });
    let output = here(&["rollback", "cart", "--config", config]);
    assert_eq!(out(&output), "cart serves 1.4.2 100%\n");
    assert!(err(&output).contains("is not TOML"), "{output:?}");
    assert!(scene.serves("a").await);

    // Nothing is left of it: the address and the token are named.
    spoil(&scene.gate, |_| "\u{0}]][".into());
    let token = scene.token();
    let admin = format!("unix:{}", socket.display());
    let named = ["--admin", &admin, "--token-file", token.to_str().unwrap()];
    let mut again = vec!["rollback", "cart", "--to", "1.5.0", "--config", config];
    again.extend(named);
    here(&again);
    assert!(scene.serves("b").await);
}
