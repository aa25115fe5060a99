//! Components are compiled in a child process, within time and memory: one that is made to
//! be expensive is refused, and nobody else notices.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use airgate::core::{ArtifactPolicy, ByteSize, Limits, Outbound};
use airgate::runtime::{
    Artifact, Capabilities, CompileError, Compiler, LoadError, Loader, Network, Services,
    VersionPolicy,
};
use airgate::security::AuditTrail;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Gate, Setup, airgate, eventually, eventually_within, guest, write_token};

const AIRGATE: &str = env!("CARGO_BIN_EXE_airgate");

/// An LEB128 number.
fn number(mut value: usize, to: &mut Vec<u8>) {
    while value > 0x7f {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// A section, or anything else with its length in front.
fn sized(id: Option<u8>, content: &[u8], to: &mut Vec<u8>) {
    to.extend(id);
    number(content.len(), to);
    to.extend(content);
}

/// The body of a function of no use.
struct Body {
    locals: usize,
    /// Loops within each other, each around all additions, and with a way back.
    loops: usize,
    additions: usize,
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        let mut body = vec![1];
        number(self.locals, &mut body);
        body.push(0x7f);
        body.extend([0x03, 0x40].repeat(self.loops));
        for index in 0..self.additions {
            let local = index % self.locals;
            body.push(0x20);
            number(local, &mut body);
            body.extend([0x41, 0x01, 0x6a, 0x21]);
            number(local, &mut body);
        }
        body.extend([0x20, 0x00, 0x0d, 0x00, 0x0b].repeat(self.loops));
        body.push(0x0b);
        body
    }
}

/// `hello` with one more core module, which nothing instantiates: functions of `body`.
fn hello_and(functions: usize, body: &Body) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    sized(Some(1), &[1, 0x60, 0, 0], &mut module);
    let (mut types, mut code) = (Vec::new(), Vec::new());
    number(functions, &mut types);
    types.extend(std::iter::repeat_n(0, functions));
    number(functions, &mut code);
    for _ in 0..functions {
        sized(None, &body.bytes(), &mut code);
    }
    sized(Some(3), &types, &mut module);
    sized(Some(10), &code, &mut module);
    let mut component = std::fs::read(guest("hello")).unwrap();
    sized(Some(1), &module, &mut component);
    component
}

/// Every loop carries every local: a million values out of 60 KB, and minutes to give each
/// its register.
fn bomb() -> Vec<u8> {
    let body = Body {
        locals: 1_000,
        loops: 1_000,
        additions: 1_000,
    };
    hello_and(1, &body)
}

/// As [`bomb`], and at once gigabytes.
fn memory_bomb() -> Vec<u8> {
    let body = Body {
        locals: 20_000,
        loops: 1_000,
        additions: 20_000,
    };
    hello_and(1, &body)
}

/// Large and harmless.
fn large(functions: usize) -> Vec<u8> {
    let body = Body {
        locals: 10,
        loops: 1,
        additions: 500,
    };
    hello_and(functions, &body)
}

fn file(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("component.wasm");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A gate with a cache of its own, `hello` and these lines of `[security]`. `hello` is compiled
/// already: the bounds of a test are for bombs, and a busy machine may need longer for it.
fn setup(state: &Path, security: &str) -> Setup {
    write_token(state);
    let setup = Gate::serving(["hello"]).state(state);
    let config = state.join("routes.toml");
    std::fs::write(&config, setup.text()).unwrap();
    let checked = airgate(&["check", "--config", config.to_str().unwrap()]);
    assert!(checked.status.success(), "{checked:?}");
    setup.lines(&format!("[security]\n{security}"))
}

fn with(setup: &Setup, name: &str, source: &Path) -> Setup {
    let route = format!("path = \"/{name}\"\ncomponent = {name:?}");
    setup.clone().component(name, source, "").route(&route)
}

/// The processes that compile for a gate.
fn children(parent: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_pid()));
    let mut children = Vec::new();
    for task in tasks.into_iter().flatten().flatten() {
        let listed = std::fs::read_to_string(task.path().join("children"));
        let pids = listed.unwrap_or_default();
        let pids = pids.split_whitespace().map(|pid| pid.parse().unwrap());
        children.extend(pids.filter_map(Pid::from_raw));
    }
    children
}

/// Ended, or waiting for somebody to hear of it.
fn is_gone(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
    stat.map_or(true, |stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

async fn child_of(parent: Pid) -> Pid {
    let mut found = Vec::new();
    eventually("a component is being compiled", async || {
        found = children(parent);
        !found.is_empty()
    })
    .await;
    found[0]
}

#[tokio::test]
async fn a_compile_bomb_is_refused_in_time_and_its_neighbour_keeps_answering() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "compile_timeout = \"2s\"");
    let mut gate = setup.clone().start().await;
    gate.rewrite(with(&setup, "bomb", &file(&dir, &bomb())));
    let refused = AtomicBool::new(false);
    let reload = async {
        let began = Instant::now();
        let answer = gate.reload().await;
        refused.store(true, Ordering::Relaxed);
        (answer, began.elapsed())
    };
    let neighbour = async {
        let (mut answers, mut slowest) = (0, Duration::ZERO);
        let mut connection = gate.http1().await;
        while !refused.load(Ordering::Relaxed) {
            let began = Instant::now();
            assert_eq!(connection.get("/hello").await.status(), 200);
            slowest = slowest.max(began.elapsed());
            answers += 1;
        }
        (answers, slowest)
    };
    let ((answer, took), (answers, slowest)) = tokio::join!(reload, neighbour);
    eprintln!("refused after {took:?}; meanwhile {answers} answers, the slowest after {slowest:?}");
    assert_eq!(answer.status(), 422, "{}", answer.text());
    assert!(
        answer.text().contains("component.bomb"),
        "{}",
        answer.text()
    );
    let reason = "it takes longer than 2s, which is what compile_timeout allows";
    assert!(answer.text().contains(reason), "{}", answer.text());
    // Else it would take minutes, and who waits for a compiler would wait for all of it.
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert!(answers > 10, "{answers} answers in {took:?}");
    assert!(slowest < took / 2, "{slowest:?} of {took:?}");
    // The change of the file was noticed too, and that attempt ends as well.
    eventually("no child is left", async || children(gate.pid()).is_empty()).await;
}

#[tokio::test]
async fn a_bomb_that_is_uploaded_is_refused_and_leaves_nothing_behind() {
    let state = tempfile::tempdir().unwrap();
    let gate = setup(state.path(), "compile_timeout = \"1s\"")
        .start()
        .await;
    let before = gate.delivery("hello").await;
    let (answer, neighbour) = tokio::join!(
        gate.put_version("hello", "bomb", bomb()),
        gate.get("/hello")
    );
    assert_eq!(answer.status(), 422, "{}", answer.text());
    let reason = "it takes longer than 1s, which is what compile_timeout allows";
    assert!(answer.text().contains(reason), "{}", answer.text());
    assert_eq!(neighbour.status(), 200);
    assert_eq!(gate.delivery("hello").await, before);
    let artifacts = std::fs::read_dir(state.path().join("artifacts")).unwrap();
    assert_eq!(artifacts.count(), 1, "only what serves is kept");
}

#[tokio::test]
async fn a_bomb_that_takes_memory_takes_it_from_nobody() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "compile_memory = \"256MiB\"");
    let mut gate = setup.clone().start().await;
    assert_eq!(gate.get("/hello").await.status(), 200);
    let before = gate.resident();
    gate.rewrite(with(&setup, "bomb", &file(&dir, &memory_bomb())));
    gate.signal(Signal::HUP);
    let reason = "it takes more memory than the 256MiB that compile_memory allows";
    // As long as compiling may take: a child that is nice comes last on a busy machine.
    eventually_within(Duration::from_secs(120), reason, async || {
        gate.log.text().contains(reason)
    })
    .await;
    assert!(
        gate.resident() < before + (64 << 20),
        "the gate paid for it"
    );
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn a_bomb_is_refused_at_the_start_and_by_check() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "compile_timeout = \"1s\"");
    let setup = with(&setup, "bomb", &file(&dir, &bomb()));
    let reason = "component.bomb";
    let refusal = setup.clone().try_start().await.err().expect("no start");
    assert_eq!(refusal.status.code(), Some(3));
    assert!(refusal.stderr.contains(reason), "{}", refusal.stderr);
    assert!(
        refusal.stderr.contains("longer than 1s"),
        "{}",
        refusal.stderr
    );
    let config = dir.path().join("routes.toml");
    std::fs::write(&config, setup.text()).unwrap();
    let checked = airgate(&["check", "--config", config.to_str().unwrap()]);
    let stderr = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains(reason) && stderr.contains("longer than 1s"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_child_that_is_killed_is_an_error_that_says_so() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "");
    let mut gate = setup.clone().start().await;
    gate.rewrite(with(&setup, "bomb", &file(&dir, &bomb())));
    let answered = AtomicBool::new(false);
    let reload = async {
        let answer = gate.reload().await;
        answered.store(true, Ordering::Relaxed);
        answer
    };
    // Every one: the change of the file is noticed too, and may have a child before.
    let kill = async {
        while !answered.load(Ordering::Relaxed) {
            for child in children(gate.pid()) {
                // It may be gone already.
                let _ = kill_process(child, Signal::KILL);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (answer, ()) = tokio::join!(reload, kill);
    let reason = "the process that compiles it was killed by signal 9";
    assert!(answer.text().contains(reason), "{}", answer.text());
    assert_eq!(gate.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn no_child_outlives_a_gate_that_is_killed() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "");
    let mut gate = setup.clone().start().await;
    gate.rewrite(with(&setup, "bomb", &file(&dir, &bomb())));
    gate.signal(Signal::HUP);
    let child = child_of(gate.pid()).await;
    gate.signal(Signal::KILL);
    gate.exit_within(Duration::from_secs(20)).await;
    eventually("the child ends", async || is_gone(child)).await;
}

#[tokio::test]
async fn a_gate_that_is_told_to_stop_does_not_wait_for_its_child() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = setup(state.path(), "");
    let mut gate = setup.clone().start().await;
    gate.rewrite(with(&setup, "bomb", &file(&dir, &bomb())));
    gate.signal(Signal::HUP);
    let child = child_of(gate.pid()).await;
    gate.signal(Signal::TERM);
    assert!(gate.exit_within(Duration::from_secs(20)).await.success());
    eventually("the child ends", async || is_gone(child)).await;
}

#[tokio::test]
async fn a_child_is_fenced_before_it_reads() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines = "compile_timeout = \"30s\"\ncompile_memory = \"1GiB\"";
    let setup = setup(state.path(), lines).environment("SECRET", "of-the-operator");
    let mut gate = setup.clone().start().await;
    gate.rewrite(with(&setup, "bomb", &file(&dir, &bomb())));
    gate.signal(Signal::HUP);
    let child = child_of(gate.pid()).await.as_raw_pid();
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{child}/{file}")).unwrap();
    eventually("it has raised its fences", async || {
        read("oom_score_adj").trim() == "1000"
    })
    .await;
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max data size"), (1u64 << 30).to_string());
    assert_eq!(limit("Max core file size"), "0");
    assert_ne!(limit("Max cpu time"), "unlimited");
    assert!(!read("environ").contains("SECRET"));
    let stat = read("stat");
    let fields = stat.rsplit(')').next().unwrap();
    assert_eq!(
        fields.split_whitespace().nth(16),
        Some("5"),
        "niceness: {stat}"
    );
}

#[tokio::test]
async fn a_gate_whose_program_was_deleted_still_compiles() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = dir.path().join("airgate");
    // Not copied here: who else starts a process meanwhile would hold it open for writing.
    let script = format!("shift; cp {AIRGATE:?} {copy:?}; exec {copy:?} \"$@\"");
    let setup = setup(state.path(), "").wrapper(&script);
    let mut gate = setup.clone().start().await;
    std::fs::remove_file(&copy).unwrap();
    gate.rewrite(with(&setup, "large", &file(&dir, &large(10))));
    let answer = gate.reload().await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(gate.get("/large").await.text(), "hello world\n");
}

#[test]
fn the_verb_is_not_for_people() {
    let help = String::from_utf8(airgate(&["--help"]).stdout).unwrap();
    assert!(!help.contains("compile-component"), "{help}");
    for arguments in [
        &["compile-component"][..],
        &["compile-component", "hello.wasm"],
    ] {
        assert_eq!(airgate(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// An order that somebody else has given: who waits for the code is gone.
#[test]
fn a_child_without_its_parent_does_nothing() {
    let order =
        r#"{"concurrent":false,"metered":false,"bytes":9,"memory":1073741824,"cpu":9,"parent":1}"#;
    let mut child = Command::new(AIRGATE);
    let child = child
        .args(["compile-component", order])
        .stdin(Stdio::null());
    let output = child.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("has gone"),
        "{output:?}"
    );
}

/// A loader of this process, without a cache.
fn loader(compiler: Compiler, policy: &ArtifactPolicy) -> std::sync::Arc<Loader> {
    let network = Network::new(Outbound::default()).unwrap();
    let trail = AuditTrail::in_memory();
    let services = Services::new(Capabilities::standard(), trail, Default::default(), network);
    let loader = airgate::system::loader(None, services, compiler).unwrap();
    loader.set_artifact_policy(policy);
    loader
}

fn children_of_airgate() -> Compiler {
    Compiler::Child {
        program: AIRGATE.into(),
    }
}

fn load(loader: &Loader, bytes: &[u8], fuel: Option<u64>) -> Result<(), LoadError> {
    let artifact = Artifact::from_bytes(bytes.to_vec(), None).unwrap();
    let policy = VersionPolicy {
        component: "hello".parse().unwrap(),
        version: artifact.digest.short_name(),
        limits: Limits {
            fuel,
            ..Limits::default()
        },
        grants: Default::default(),
    };
    loader.load(&artifact, policy).map(drop)
}

#[test]
fn every_kind_of_engine_takes_the_code_of_a_child() {
    let loader = loader(children_of_airgate(), &ArtifactPolicy::default());
    for name in ["hello", "hello-p3"] {
        for fuel in [None, Some(1_000_000)] {
            let bytes = std::fs::read(guest(name)).unwrap();
            load(&loader, &bytes, fuel).unwrap();
        }
    }
}

#[test]
fn the_bounds_can_be_changed_while_it_runs() {
    let mut policy = ArtifactPolicy {
        compile_timeout: Duration::from_secs(1),
        ..ArtifactPolicy::default()
    };
    let loader = loader(children_of_airgate(), &policy);
    let timed_out = load(&loader, &bomb(), None);
    assert!(
        matches!(timed_out, Err(LoadError::Compile(CompileError::Timeout(_)))),
        "{timed_out:?}"
    );
    policy.compile_timeout = Duration::from_secs(300);
    policy.compile_memory = ByteSize(64 << 20);
    loader.set_artifact_policy(&policy);
    let out_of_memory = load(&loader, &bomb(), None);
    assert!(
        matches!(
            out_of_memory,
            Err(LoadError::Compile(CompileError::Memory(_)))
        ),
        "{out_of_memory:?}"
    );
}

#[test]
fn what_the_compiler_refuses_is_told_in_its_words() {
    // A memory shared between threads: valid, and nothing that the engines take.
    let shared = b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01\x01";
    let mut component = std::fs::read(guest("hello")).unwrap();
    sized(Some(1), shared, &mut component);
    for compiler in [children_of_airgate(), Compiler::InProcess] {
        let loader = loader(compiler, &ArtifactPolicy::default());
        let refused = load(&loader, &component, None);
        let Err(LoadError::Compile(CompileError::Component(reason))) = &refused else {
            panic!("{refused:?}")
        };
        assert!(reason.contains("threads must be enabled"), "{reason}");
    }
}

/// Prints what a child costs over compiling in the process itself.
#[test]
#[ignore = "a measurement: cargo test --release --test gateway -- --ignored --nocapture a_child_costs"]
fn a_child_costs_little() {
    let read = |name| std::fs::read(guest(name)).unwrap();
    let components = [
        ("hello", read("hello")),
        ("read-all-p3", read("read-all-p3")),
        ("large", large(250)),
    ];
    for (name, bytes) in components {
        for (how, compiler) in [
            ("in process", Compiler::InProcess),
            ("in a child", children_of_airgate()),
        ] {
            let loader = loader(compiler, &ArtifactPolicy::default());
            let mut times: Vec<Duration> = (0..5)
                .map(|_| {
                    let began = Instant::now();
                    load(&loader, &bytes, None).unwrap();
                    began.elapsed()
                })
                .collect();
            times.sort();
            eprintln!("{name}, {} KB, {how}: {:?}", bytes.len() / 1_000, times[2]);
        }
    }
}
