//! Keeps the house as ARCHITECTURE.md describes it: which room may import which, and what
//! has only one place. Fails with file and line; the rules are shown to be able to fail.

use std::fmt;
use std::path::{Path, PathBuf};

use paths::reached;
use tokens::{Kind, Token, tokens};

#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/tokens.rs"]
mod tokens;

/// Every room, and the rooms it may import.
const ROOMS: [(&str, &[&str]); 13] = [
    ("core", &[]),
    ("config", &["core"]),
    ("security", &["core"]),
    ("monitoring", &["core"]),
    ("storage", &["core"]),
    ("messaging", &["core"]),
    ("runtime", &["core", "security", "monitoring"]),
    ("component", &["core", "security", "monitoring", "runtime"]),
    (
        "lifecycle",
        &["core", "security", "monitoring", "component"],
    ),
    (
        "gateway",
        &[
            "core",
            "config",
            "security",
            "monitoring",
            "component",
            "lifecycle",
        ],
    ),
    (
        "admin",
        &[
            "core",
            "config",
            "security",
            "monitoring",
            "component",
            "lifecycle",
            "storage",
            "messaging",
        ],
    ),
    (
        "system",
        &[
            "core",
            "config",
            "security",
            "monitoring",
            "storage",
            "messaging",
            "runtime",
            "component",
            "lifecycle",
            "gateway",
            "admin",
        ],
    ),
    (
        "cli",
        &[
            "core",
            "config",
            "security",
            "monitoring",
            "storage",
            "messaging",
            "runtime",
            "component",
            "lifecycle",
            "gateway",
            "admin",
            "system",
        ],
    ),
];

/// A reader should be able to take a file in from top to bottom.
const LONGEST_FILE: usize = 400;

/// The only file with unsafe code: it loads code that this installation compiled.
const UNSAFE: &str = "runtime/cache.rs";
/// The only file with names of metrics.
const METRIC_NAMES: &str = "monitoring/names.rs";
/// The only file that turns a fault into a status code.
const STATUS_CODES: &str = "gateway/respond.rs";
/// Who else may name a status code, and why: none of them answers a request with a fault.
const OTHER_STATUS_CODES: [(&str, &str); 6] = [
    (
        "admin/answer/problem.rs",
        "the admin API answers for itself: what goes wrong",
    ),
    (
        "admin/answer/reply.rs",
        "the admin API answers for itself: what goes well",
    ),
    (
        "config/check/target.rs",
        "the default of `respond`, and the codes that take no body",
    ),
    (
        "gateway/observe.rs",
        "records 499 where the client went first; nobody is sent it",
    ),
    (
        "gateway/messages/reply.rs",
        "202 for a message that was taken, and the status that a reply chooses",
    ),
    ("monitoring/http.rs", "labels of series"),
];

/// A rule that a file breaks.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    /// Below `src`.
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}  {}", self.file, self.line, self.what)
    }
}

/// A source file, and what is wrong with it.
struct Inspection<'a> {
    /// Below `src`, with slashes.
    file: &'a str,
    tokens: Vec<Token>,
    breaches: Vec<Breach>,
}

fn inspect(file: &str, source: &str) -> Vec<Breach> {
    let mut inspection = Inspection {
        file,
        tokens: tokens(source),
        breaches: Vec::new(),
    };
    inspection.check_imports();
    inspection.check_index();
    inspection.check_words();
    inspection.check_metric_names();
    inspection.check_status_codes();
    let lines = source.lines().count();
    if lines > LONGEST_FILE {
        inspection.breach(
            lines,
            format!("{lines} lines are more than {LONGEST_FILE}: this is two files"),
        );
    }
    inspection.breaches
}

impl Inspection<'_> {
    fn breach(&mut self, line: usize, what: impl Into<String>) {
        self.breaches.push(Breach {
            file: self.file.to_owned(),
            line,
            what: what.into(),
        });
    }

    /// The room, or `None` for `main.rs` and `lib.rs`, which stand in front of all rooms.
    fn room(&self) -> Option<&str> {
        self.file.split_once('/').map(|(room, _)| room)
    }

    fn check_imports(&mut self) {
        let Some(room) = self.room().map(str::to_owned) else {
            if !["main.rs", "lib.rs"].contains(&self.file) {
                self.breach(1, "only main.rs and lib.rs stand outside the rooms");
            }
            return;
        };
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            self.breach(1, format!("room `{room}` has no row in the table"));
            return;
        };
        for path in reached(&self.tokens, &module(self.file)) {
            match path.room {
                Some(other) if other == room || allowed.contains(&other.as_str()) => {}
                Some(other) => self.breach(path.line, format!("`{room}` may not import `{other}`")),
                None => self.breach(path.line, "a path must name the room it leads to"),
            }
        }
        self.check_detours();
    }

    /// Ways around the table.
    fn check_detours(&mut self) {
        for at in 0..self.tokens.len() {
            let token = &self.tokens[at];
            let next = self.tokens.get(at + 1);
            let line = token.line;
            if token.is_word("path")
                && next.is_some_and(|next| next.is_mark('='))
                && self.is_attribute(at)
            {
                self.breach(line, "`#[path]` moves a module out of its room");
            } else if token.is_word("extern") && next.is_some_and(|next| next.is_word("crate")) {
                self.breach(line, "`extern crate` gives the house another name");
            }
        }
    }

    fn is_attribute(&self, at: usize) -> bool {
        at >= 2 && self.tokens[at - 1].is_mark('[') && self.tokens[at - 2].is_mark('#')
    }

    /// `mod.rs` and `lib.rs` only declare and re-export.
    fn check_index(&mut self) {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        if !["mod.rs", "lib.rs"].contains(&name) {
            return;
        }
        let mut at = 0;
        while at < self.tokens.len() {
            match declaration(&self.tokens[at..]) {
                Some(length) => at += length,
                None => {
                    let line = self.tokens[at].line;
                    return self
                        .breach(line, format!("{name} only declares modules and re-exports"));
                }
            }
        }
    }

    fn check_words(&mut self) {
        for at in 0..self.tokens.len() {
            let line = self.tokens[at].line;
            let Kind::Word(word) = &self.tokens[at].kind else {
                continue;
            };
            let word = word.clone();
            let is_macro = self
                .tokens
                .get(at + 1)
                .is_some_and(|next| next.is_mark('!'));
            match word.as_str() {
                "unsafe" if self.file != UNSAFE => {
                    self.breach(line, format!("unsafe code belongs in src/{UNSAFE} alone"));
                }
                // lib.rs denies it, and `UNSAFE` allows it.
                "unsafe_code" if ![UNSAFE, "lib.rs"].contains(&self.file) => {
                    self.breach(line, "nobody else may allow unsafe code");
                }
                "todo" | "unimplemented" | "dbg" if is_macro => {
                    self.breach(line, format!("`{word}!` is unfinished work"));
                }
                _ => {}
            }
        }
    }

    fn check_metric_names(&mut self) {
        const PREFIXES: [&str; 3] = ["airgate_", "http_server_", "http_client_"];
        for at in 0..self.tokens.len() {
            let Kind::Text(text) = &self.tokens[at].kind else {
                continue;
            };
            let names_one = PREFIXES.iter().any(|prefix| text.contains(prefix));
            if names_one && self.file != METRIC_NAMES {
                let line = self.tokens[at].line;
                self.breach(
                    line,
                    format!("names of metrics belong in src/{METRIC_NAMES}"),
                );
            }
        }
    }

    fn check_status_codes(&mut self) {
        let may = self.file == STATUS_CODES
            || self.file.contains("/tests/")
            || OTHER_STATUS_CODES
                .iter()
                .any(|(file, _)| *file == self.file);
        if may {
            return;
        }
        for at in 0..self.tokens.len().saturating_sub(1) {
            let token = &self.tokens[at];
            if token.is_word("StatusCode") && self.tokens[at + 1].kind == Kind::Path {
                let line = token.line;
                self.breach(line, format!("status codes belong in src/{STATUS_CODES}"));
            }
        }
    }
}

/// How many tokens the declaration at the front of `tokens` takes: an attribute,
/// `mod x;`, or `use …;`, with any visibility.
fn declaration(tokens: &[Token]) -> Option<usize> {
    let closes = |open: char, close: char, from: usize| {
        let mut depth = 0;
        let end = tokens[from..].iter().position(|token| {
            depth += i32::from(token.is_mark(open)) - i32::from(token.is_mark(close));
            depth == 0
        });
        end.map(|end| from + end + 1)
    };
    let is_mark = |at: usize, mark| {
        tokens
            .get(at)
            .is_some_and(|token: &Token| token.is_mark(mark))
    };
    if tokens[0].is_mark('#') {
        return closes('[', ']', if is_mark(1, '!') { 2 } else { 1 });
    }
    let mut at = 0;
    if tokens[0].is_word("pub") {
        at = if is_mark(1, '(') {
            closes('(', ')', 1)?
        } else {
            1
        };
    }
    let word = tokens.get(at)?;
    if word.is_word("mod") {
        is_mark(at + 2, ';').then_some(at + 3)
    } else if word.is_word("use") {
        let end = tokens[at..].iter().position(|token| token.is_mark(';'))?;
        Some(at + end + 1)
    } else {
        None
    }
}

/// The module that a file is: `gateway/check/mod.rs` is `gateway::check`.
fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The table as ARCHITECTURE.md shows it.
fn table() -> String {
    let row = |(room, allowed): &(&str, &[&str])| format!("  {room:<12}{}\n", allowed.join(", "));
    ROOMS.iter().map(row).collect()
}

#[test]
fn the_house_is_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    assert!(files.len() > 50, "src was not found");
    let mut breaches = Vec::new();
    for path in files {
        let file = path
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        breaches.extend(inspect(&file, &std::fs::read_to_string(&path).unwrap()));
    }
    let list: String = breaches
        .iter()
        .map(|breach| format!("{breach}\n"))
        .collect();
    let table = table();
    assert!(
        breaches.is_empty(),
        "\n{list}\nWhat each room may import:\n{table}"
    );
}

#[path = "architecture/can_fail.rs"]
mod can_fail;
