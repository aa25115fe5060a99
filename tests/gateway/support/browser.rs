//! A real browser: Chromium without a window, told what to do over a pipe (Chrome DevTools
//! Protocol). There is no port to be found, and it ends when the pipe does, also where the test
//! is killed.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{eventually_within, missing, within};

const PROGRAM: &str = "chromium";
/// It takes a second or two where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    answers: mpsc::Receiver<Value>,
    sent: u64,
    /// Of the page, once there is one.
    session: Value,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With its helpers: all of them are in the group that it began.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Opens a page in a browser of its own and waits until it is loaded, or skips.
    pub async fn open(url: &str) -> Option<Self> {
        if Command::new(PROGRAM).arg("--version").output().is_err() {
            missing(&format!("{PROGRAM} is not installed"));
            return None;
        }
        let mut browser = Self::start();
        let page = browser
            .tell("Target.createTarget", json!({ "url": url }))
            .await;
        let target = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.tell("Target.attachToTarget", target).await;
        browser.session = attached["sessionId"].clone();
        let loaded = format!("location.href == {url:?} && document.readyState == 'complete'");
        eventually_within(PATIENCE, "the page is loaded", async || {
            browser.finds(&loaded).await
        })
        .await;
        Some(browser)
    }

    fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        // It reads commands from descriptor 3 and answers to 4.
        command.args([
            "-c",
            "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            "sh",
        ]);
        command.args([PROGRAM, "--headless", "--remote-debugging-pipe"]);
        // Machines that test run as root, in containers without shared memory.
        command.args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]);
        // It asks nobody but the gate.
        command.args(["--disable-background-networking", "--no-first-run"]);
        command.args(["--no-proxy-server", "--disable-component-update"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.env("HOME", profile.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            commands: child.stdin.take().unwrap(),
            answers: messages(child.stdout.take().unwrap()),
            child,
            sent: 0,
            session: Value::Null,
            _profile: profile,
        }
    }

    /// Whether a script gives true. While one page takes the place of another there is none that
    /// could run it.
    async fn finds(&mut self, script: &str) -> bool {
        let answer = self.ask("Runtime.evaluate", evaluation(script)).await;
        answer["result"]["result"]["value"] == true
    }

    /// What a script gives in the page; a promise is waited for.
    pub async fn run(&mut self, script: &str) -> Value {
        let answer = self.tell("Runtime.evaluate", evaluation(script)).await;
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{script}: {failed}");
        answer["result"]["value"].clone()
    }

    /// Waits until a script gives this.
    pub async fn shows(&mut self, script: &str, expected: Value) {
        let mut last = Value::Null;
        let wait = async {
            while last != expected {
                last = self.run(script).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("`{script}` should be {expected}, and is {last}");
        }
    }

    async fn tell(&mut self, method: &str, parameters: Value) -> Value {
        let mut answer = self.ask(method, parameters).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The whole answer, which may be an error.
    async fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": parameters });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        let command = command.to_string() + "\0";
        self.commands.write_all(command.as_bytes()).unwrap();
        let answer = async {
            loop {
                let answer = self.answers.recv().await.expect("a browser that runs");
                // What it tells unasked has no number.
                if answer["id"] == self.sent {
                    return answer;
                }
            }
        };
        within(PATIENCE, method, answer).await
    }
}

fn evaluation(script: &str) -> Value {
    json!({ "expression": script, "awaitPromise": true, "returnByValue": true })
}

/// What a browser says: JSON, each with a zero byte behind it.
fn messages(from: impl Read + Send + 'static) -> mpsc::Receiver<Value> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for message in BufReader::new(from).split(0) {
            let Ok(message) = message else { break };
            let message = serde_json::from_slice(&message).expect("JSON");
            if sender.blocking_send(message).is_err() {
                break;
            }
        }
    });
    receiver
}
