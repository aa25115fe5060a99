//! What a gate writes to stderr, line by line.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::eventually;

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Collects everything that `from` gives, in a thread that ends with it.
    pub fn collect(from: impl Read + Send + 'static) -> (Self, std::thread::JoinHandle<()>) {
        let log = Self::default();
        let lines = log.0.clone();
        let reader = std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.lock().unwrap().push(text);
                line.clear();
            }
        });
        (log, reader)
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    /// The lines that are JSON.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Lines that have this text somewhere.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let all = self.text();
        let lines = all.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }

    /// The lines with this value of a key.
    pub fn with(&self, key: &str, value: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line[key] == value);
        lines
    }

    /// The first line that contains `text`, once it is there.
    pub async fn line(&self, text: &str) -> Value {
        let find = || {
            let lines = self.0.lock().unwrap();
            let mut found = lines.iter().filter(|line| line.contains(text));
            found.find_map(|line| serde_json::from_str(line).ok())
        };
        eventually(&format!("a log line with `{text}`"), async || {
            find().is_some()
        })
        .await;
        find().unwrap()
    }

    /// The access log's line of a request, once it is there.
    pub async fn access(&self, request_id: &str) -> Value {
        let find = || {
            let mut lines = self.with("target", "airgate::access");
            lines.retain(|line| line["request_id"] == request_id);
            lines.pop()
        };
        eventually("an access log line", async || find().is_some()).await;
        find().unwrap()
    }
}
