//! The built binary, started on ports of its own and ended with the test.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use http::header::AUTHORIZATION;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    Answer, Connection, Log, Metrics, Raw, RequestBody, body, eventually, eventually_within, get,
    guest,
};

const START: Duration = Duration::from_secs(600);
/// Beside the configuration.
const STATE: &str = "state";
const TOKEN: &str = "a-token-for-tests";

/// Where gates share compiled code, so that each guest is compiled once.
fn code_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state");
        std::fs::create_dir_all(&dir).unwrap();
        // The first to start makes the key of the code cache: one alone, not many at once.
        let config = dir.join("routes.toml");
        std::fs::write(&config, format!("version = 1\n[state]\ndir = {dir:?}\n")).unwrap();
        let checked = airgate(&["check", "--config", config.to_str().unwrap()]);
        assert!(checked.status.success(), "{checked:?}");
        dir
    })
}

/// A state directory of its own, but for the compiled code.
fn make_state(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for shared in ["code", "cache.key"] {
        symlink(code_dir().join(shared), dir.join(shared)).unwrap();
    }
    write_token(dir);
}

/// Keeps a token where a gate looks for one.
pub fn write_token(state: &Path) {
    std::fs::write(state.join("admin.token"), TOKEN).unwrap();
}

/// Runs the binary to its end.
pub fn airgate(arguments: &[&str]) -> Output {
    airgate_with(arguments, &[])
}

/// As [`airgate`], with these variables in its environment.
pub fn airgate_with(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airgate"));
    command.args(arguments).env_remove("RUST_LOG");
    command.envs(environment.iter().copied());
    command.env("NO_COLOR", "1").output().unwrap()
}

/// A configuration in the making.
#[derive(Clone)]
pub struct Setup {
    server: String,
    limits: String,
    tls: Option<String>,
    listen: Vec<String>,
    admin: String,
    /// `None`: one of its own, which goes with the gate.
    state: Option<PathBuf>,
    state_lines: String,
    security: String,
    components: String,
    routes: String,
    wrapper: Option<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            server: String::new(),
            limits: String::new(),
            tls: None,
            listen: vec!["127.0.0.1:0".into()],
            admin: "listen = \"127.0.0.1:0\"".into(),
            state: None,
            state_lines: String::new(),
            security: String::new(),
            components: String::new(),
            routes: String::new(),
            wrapper: None,
            environment: Vec::new(),
        }
    }
}

impl Setup {
    /// Lines of `[server]`.
    pub fn server(mut self, lines: &str) -> Self {
        writeln!(self.server, "{lines}").unwrap();
        self
    }

    /// Lines of `[server.limits]`.
    pub fn limits(mut self, lines: &str) -> Self {
        writeln!(self.limits, "{lines}").unwrap();
        self
    }

    /// One listener for TLS; `lines` are the rest of `[server.tls]` and its certificates.
    pub fn tls(mut self, lines: &str) -> Self {
        self.tls = Some(lines.into());
        self
    }

    /// One more address for HTTP/1.1 and h2c.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen.push(address.to_string());
        self
    }

    /// Lines of `[admin]`, instead of a TCP listener.
    pub fn admin(mut self, lines: &str) -> Self {
        self.admin = lines.into();
        self
    }

    /// A state directory that outlives the gate.
    pub fn state(mut self, dir: &Path) -> Self {
        self.state = Some(dir.to_owned());
        self
    }

    /// Lines of `[state]`.
    pub fn state_lines(mut self, lines: &str) -> Self {
        writeln!(self.state_lines, "{lines}").unwrap();
        self
    }

    /// Lines of `[security]`.
    pub fn security(mut self, lines: &str) -> Self {
        writeln!(self.security, "{lines}").unwrap();
        self
    }

    /// A component of `fixtures/`, named after it and routed at `/name` and below.
    pub fn guest(self, name: &str) -> Self {
        self.guest_with(name, "")
    }

    /// As [`Setup::guest`]; `lines` are more of `[component.name]`.
    pub fn guest_with(self, name: &str, lines: &str) -> Self {
        self.component(name, &guest(name), lines)
            .route(&format!("prefix = \"/{name}\"\ncomponent = {name:?}"))
    }

    /// A component without a route.
    pub fn component(mut self, name: &str, source: &Path, lines: &str) -> Self {
        writeln!(
            self.components,
            "[component.{name}]\nsource = {source:?}\n{lines}"
        )
        .unwrap();
        self
    }

    /// Anything else, at the end of the components.
    pub fn lines(mut self, lines: &str) -> Self {
        writeln!(self.components, "{lines}").unwrap();
        self
    }

    /// One `[[route]]`.
    pub fn route(mut self, lines: &str) -> Self {
        writeln!(self.routes, "[[route]]\n{lines}").unwrap();
        self
    }

    /// A shell script that ends in `exec "$@"`.
    pub fn wrapper(mut self, script: &str) -> Self {
        self.wrapper = Some(script.into());
        self
    }

    pub fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// `routes.toml`.
    pub fn text(&self) -> String {
        let mut text = format!(
            "version = 1\n[server]\nlisten = {:?}\n{}",
            self.listen, self.server
        );
        if !self.limits.is_empty() {
            write!(text, "[server.limits]\n{}", self.limits).unwrap();
        }
        if let Some(tls) = &self.tls {
            write!(text, "[server.tls]\nlisten = [\"127.0.0.1:0\"]\n{tls}\n").unwrap();
        }
        writeln!(text, "[admin]\n{}", self.admin).unwrap();
        let state = self.state.as_deref().unwrap_or(Path::new(STATE));
        write!(text, "[state]\ndir = {state:?}\n{}", self.state_lines).unwrap();
        if !self.security.is_empty() {
            write!(text, "[security]\n{}", self.security).unwrap();
        }
        text + &self.components + &self.routes
    }

    fn command(&self, config: &Path) -> Command {
        let binary = env!("CARGO_BIN_EXE_airgate");
        let mut command = match &self.wrapper {
            None => Command::new(binary),
            Some(script) => {
                let mut command = Command::new("sh");
                command.args(["-c", script, "sh", binary]);
                command
            }
        };
        command.args(["serve", "--config"]).arg(config);
        command.env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.envs(self.environment.iter().copied());
        command
    }

    /// Lines that the binary prints once it listens.
    fn announcements(&self) -> usize {
        let admin = self.admin.contains("127.0.0.1");
        self.listen.len() + usize::from(self.tls.is_some()) + usize::from(admin)
    }

    /// Starts the gate, which must come up.
    pub async fn start(self) -> Gate {
        match self.try_start().await {
            Ok(gate) => gate,
            Err(refusal) => panic!("{}", refusal.stderr),
        }
    }

    /// Starts the gate, or tells why it refuses.
    pub async fn try_start(self) -> Result<Gate, Refusal> {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("routes.toml");
        std::fs::write(&config, self.text()).unwrap();
        if self.state.is_none() {
            make_state(&dir.path().join(STATE));
        }
        let mut command = self.command(&config);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, _) = Log::collect(child.stdout.take().unwrap());
        let announced = stdout.clone();
        let (log, reader) = Log::collect(child.stderr.take().unwrap());
        let mut gate = Gate {
            child,
            dir,
            started: 0,
            stdout,
            log,
            reader,
            plain: Vec::new(),
            tls: None,
            admin: None,
            setup: self,
        };
        let expected = gate.setup.announcements();
        let mut exit = None;
        eventually_within(START, "the gate listens", async || {
            exit = gate.child.try_wait().unwrap();
            exit.is_some() || announced.text().lines().count() >= expected
        })
        .await;
        if let Some(status) = exit {
            gate.log_is_whole().await;
            return Err(Refusal {
                status,
                stderr: gate.log.text(),
            });
        }
        announced
            .text()
            .lines()
            .for_each(|line| gate.take_address(line));
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        gate.started = since_1970.expect("a clock that is set").as_millis();
        Ok(gate)
    }
}

/// A gate that did not start.
#[derive(Debug)]
pub struct Refusal {
    pub status: ExitStatus,
    pub stderr: String,
}

/// A running gate.
pub struct Gate {
    child: Child,
    dir: TempDir,
    /// Milliseconds since 1970.
    started: u128,
    pub stdout: Log,
    pub log: Log,
    /// Fills `log`, and ends when nobody can write to it any more.
    reader: JoinHandle<()>,
    plain: Vec<SocketAddr>,
    tls: Option<SocketAddr>,
    admin: Option<SocketAddr>,
    pub setup: Setup,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.text();
            let from = log.len().saturating_sub(4_000);
            eprintln!("--- the gate's log\n{}", log.get(from..).unwrap_or(&log));
        }
    }
}

impl Gate {
    /// Each guest at `/name` and below.
    pub fn serving<const N: usize>(guests: [&str; N]) -> Setup {
        guests.into_iter().fold(Setup::default(), Setup::guest)
    }

    fn take_address(&mut self, line: &str) {
        let address = |url: &str| url.parse().unwrap();
        if let Some(url) = line.strip_prefix("listening on http://") {
            self.plain.push(address(url));
        } else if let Some(url) = line.strip_prefix("listening on https://") {
            self.tls = Some(address(url));
        } else if let Some(url) = line.strip_prefix("admin on http://") {
            self.admin = Some(address(url));
        }
    }

    /// Where HTTP/1.1 and h2c are served.
    pub fn address(&self) -> SocketAddr {
        self.plain[0]
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.plain
    }

    pub fn tls_address(&self) -> SocketAddr {
        self.tls.expect("a TLS listener")
    }

    pub fn admin_address(&self) -> SocketAddr {
        self.admin.expect("an admin listener")
    }

    /// The directory of `routes.toml`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self) -> PathBuf {
        self.dir().join("routes.toml")
    }

    pub fn state(&self) -> PathBuf {
        let state = self.setup.state.as_deref();
        self.dir().join(state.unwrap_or(Path::new(STATE)))
    }

    pub async fn http1(&self) -> Connection {
        Connection::http1(self.address()).await
    }

    pub async fn http2(&self) -> Connection {
        Connection::http2(self.address()).await
    }

    pub async fn raw(&self) -> Raw {
        Raw::connect(self.address()).await
    }

    /// Over a connection of its own.
    pub async fn get(&self, path: &str) -> Answer {
        self.http1().await.get(path).await
    }

    pub async fn ask(&self, request: Request<RequestBody>) -> Answer {
        self.http1().await.ask(request).await
    }

    pub async fn post(&self, path: &str, bytes: impl Into<bytes::Bytes>) -> Answer {
        self.ask(Request::post(path).body(body(bytes)).unwrap())
            .await
    }

    /// Asks the admin API, with the token.
    pub async fn admin(&self, mut request: Request<RequestBody>) -> Answer {
        let token = std::fs::read_to_string(self.state().join("admin.token")).unwrap();
        let bearer = format!("Bearer {}", token.trim()).try_into().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        Connection::http1(self.admin_address())
            .await
            .ask(request)
            .await
    }

    pub async fn metrics(&self) -> Metrics {
        let answer = self.admin(get("/metrics")).await;
        assert_eq!(answer.status(), 200);
        Metrics::parse(answer.text())
    }

    pub async fn connections(&self) -> f64 {
        self.metrics().await.sum("airgate_connections", &[])
    }

    /// Instances of a component in a state: busy, idle or ready.
    pub async fn instances(&self, component: &str, state: &str) -> f64 {
        let labels = [("component", component), ("state", state)];
        self.metrics().await.sum("airgate_instances", &labels)
    }

    /// Waits until no instance of any component serves a request.
    pub async fn at_rest(&self) {
        eventually("no instance is busy", async || {
            self.metrics()
                .await
                .sum("airgate_instances", &[("state", "busy")])
                == 0.0
        })
        .await;
    }

    /// How often a component tried what it is not granted.
    pub async fn denied(&self, component: &str, capability: &str) -> f64 {
        let labels = [("component", component), ("capability", capability)];
        self.metrics()
            .await
            .sum("airgate_capability_denied_total", &labels)
    }

    /// The events of the audit trail that match a query, the newest first.
    pub async fn audit(&self, query: &str) -> Vec<serde_json::Value> {
        let answer = self.admin(get(&format!("/v1/audit?{query}"))).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let events = answer.json()["events"].as_array().cloned();
        events.expect("a list of events")
    }

    /// What a component has caused since the start, the newest first.
    pub async fn audit_of(&self, component: &str) -> Vec<serde_json::Value> {
        let since = self.started;
        let query = format!("component={component}&since={since}&limit=1000");
        let mut events = self.audit(&query).await;
        // The start itself may be in the same millisecond.
        events.retain(|event| event["kind"] == "denied" || event["kind"] == "audited");
        events
    }

    /// Replaces `routes.toml`.
    pub fn rewrite(&mut self, setup: Setup) {
        std::fs::write(self.config(), setup.text()).unwrap();
        self.setup = setup;
    }

    /// Makes the gate read its configuration again.
    pub async fn reload(&self) -> Answer {
        self.admin(Request::post("/v1/reload").body(super::empty()).unwrap())
            .await
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until the process has ended; its log is whole then.
    pub async fn exit_within(&mut self, time: Duration) -> ExitStatus {
        let mut status = None;
        eventually_within(time, "the gate ends", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        self.log_is_whole().await;
        status.unwrap()
    }

    async fn log_is_whole(&self) {
        eventually("its log is read to its end", async || {
            self.reader.is_finished()
        })
        .await;
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Bytes of memory that are resident.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.expect("VmRSS") << 10
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Gate {
    /// How the first subscription of a component stands.
    pub async fn subscription(&self, subscriber: &str) -> serde_json::Value {
        let answer = self.admin(get("/v1/bus")).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let bus = answer.json();
        let mut all = bus["subscriptions"].as_array().unwrap().iter();
        let found = all.find(|it| it["subscriber"] == subscriber);
        found.expect("a subscription").clone()
    }

    /// Publishes so many messages as an operator, and tells how many were refused.
    pub async fn flood_topic(&self, topic: &str, count: u32) -> u64 {
        let path = format!("/v1/bus/publish?topic={topic}&count={count}");
        let request = Request::post(path).body(body("silent")).unwrap();
        let answer = self.admin(request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json()["rejected"].as_u64().unwrap()
    }
}
