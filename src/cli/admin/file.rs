//! What the command line must know of `routes.toml` to find the admin API: address, token and
//! state directory, and nothing else.
//!
//! The file is read leniently, and never checked: an operator must be able to roll back
//! while it is broken. What cannot be read counts as if it were not there.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::address::Address;
use super::read::read_bounded;
use crate::core::ByteSize;

/// As `serve` reads it.
const LARGEST: ByteSize = ByteSize(4 << 20);
/// Beside the file, where it does not say otherwise.
const STATE_DIR: &str = ".airgate";
const DEFAULT_LISTEN: &str = "127.0.0.1:9901";

/// What a file says of its admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AdminSettings {
    pub listen: Listen,
    pub token: Option<TokenSource>,
    pub state_dir: PathBuf,
    /// Why some of it may not be what `serve` would read.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listen {
    At(Address),
    /// There is no admin API.
    Off,
    /// The kernel chose its port.
    AnyPort,
}

/// `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenSource {
    Variable(String),
    File(PathBuf),
}

impl AdminSettings {
    pub fn read(path: &Path) -> Self {
        // Where the working directory is gone, paths stay relative to it.
        let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let dir = file.parent().unwrap_or(Path::new("/"));
        let text = read_bounded(path, LARGEST).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))
        });
        let name = path.display();
        match text {
            Ok(text) => {
                let mut settings = Self::of(text.trim_start_matches('\u{feff}'), dir);
                let note = settings.note.take();
                settings.note = note.map(|note| format!("{name}:{note}"));
                settings
            }
            Err(error) => Self {
                note: Some(format!("{name} cannot be read: {error}")),
                ..Self::of("", dir)
            },
        }
    }

    fn of(text: &str, dir: &Path) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Self::found(&Found::new(&table, &[], text), dir);
        }
        let first = errors.first().and_then(Error::span);
        let first = first.map_or(1, |span| line(text, span.start) + 1);
        // What is broken may swallow what stands behind it.
        let tables = own_tables(text);
        let (table, errors) = DeTable::parse_recoverable(&tables);
        Self {
            note: Some(format!("{first} is not TOML")),
            ..Self::found(&Found::new(&table, &errors, &tables), dir)
        }
    }

    fn found(found: &Found<'_>, dir: &Path) -> Self {
        let variable = found.text(&["admin", "token", "env"]);
        let file = found.text(&["admin", "token", "file"]);
        let file = file.map(|path| TokenSource::File(dir.join(path)));
        Self {
            listen: listen(found.text(&["admin", "listen"]), dir),
            token: variable
                .map(|name| TokenSource::Variable(name.to_owned()))
                .or(file),
            state_dir: dir.join(found.text(&["state", "dir"]).unwrap_or(STATE_DIR)),
            note: None,
        }
    }
}

/// Counted from 0.
fn line(text: &str, offset: usize) -> usize {
    text.get(..offset)
        .map_or(0, |before| before.matches('\n').count())
}

/// The lines of the tables that matter, each from its header to the next one.
fn own_tables(text: &str) -> String {
    const HEADERS: [&str; 3] = ["[admin]", "[admin.token]", "[state]"];
    let mut is_own = false;
    let lines = text.lines().filter(|line| {
        let line = line.trim();
        if line.starts_with('[') {
            is_own = HEADERS.iter().any(|header| line.starts_with(header));
        }
        is_own
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn listen(text: Option<&str>, dir: &Path) -> Listen {
    let text = text.unwrap_or(DEFAULT_LISTEN);
    if text == "off" {
        return Listen::Off;
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return Listen::At(Address::Unix(dir.join(path)));
    }
    match text.parse() {
        Ok(address) => Address::of_listener(address).map_or(Listen::AnyPort, Listen::At),
        Err(_) => listen(None, dir),
    }
}

/// What there is of a file that may be broken.
struct Found<'a> {
    table: &'a DeTable<'a>,
    text: &'a str,
    /// Lines with mistakes: half an address is another one.
    broken: Vec<usize>,
}

impl<'a> Found<'a> {
    fn new(table: &'a Spanned<DeTable<'a>>, errors: &[Error], text: &'a str) -> Self {
        let spans = errors.iter().filter_map(Error::span);
        Self {
            table: table.get_ref(),
            text,
            broken: spans.map(|span| line(text, span.start)).collect(),
        }
    }

    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        let (first, rest) = keys.split_first()?;
        let mut value = self.table.get(*first)?;
        for key in rest {
            value = value.get_ref().as_table()?.get(*key)?;
        }
        match value.get_ref() {
            DeValue::String(text)
                if !self.broken.contains(&line(self.text, value.span().start)) =>
            {
                Some(text)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> AdminSettings {
        AdminSettings::of(text, Path::new("/etc/airgate"))
    }

    fn at(text: &str) -> Listen {
        Listen::At(text.parse().unwrap())
    }

    #[test]
    fn an_empty_file_is_all_defaults_and_they_are_those_of_serve() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("routes.toml");
        std::fs::write(&path, "version = 1\n").unwrap();
        let settings = AdminSettings::read(&path);
        let (config, _) = crate::config::load(&path).unwrap();
        let Some(crate::config::AdminListen::Tcp(listen)) = config.admin.listen else {
            panic!("{:?}", config.admin);
        };
        assert_eq!(
            settings.listen,
            Listen::At(Address::of_listener(listen).unwrap())
        );
        assert_eq!(settings.state_dir, config.state_dir);
        assert_eq!((settings.token, settings.note), (None, None));
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = of(
            "[admin]\nlisten = \"unix:state/admin.sock\"\ntoken = { file = \"secret\" }\n\
             [state]\ndir = \"state\"\n",
        );
        assert_eq!(settings.listen, at("unix:/etc/airgate/state/admin.sock"));
        assert_eq!(
            settings.token,
            Some(TokenSource::File("/etc/airgate/secret".into()))
        );
        assert_eq!(settings.state_dir, Path::new("/etc/airgate/state"));
    }

    #[test]
    fn a_token_may_be_in_a_variable() {
        let settings = of("admin.token = { env = \"OPS\" }\nadmin.listen = \"[::]:80\"\n");
        assert_eq!(settings.token, Some(TokenSource::Variable("OPS".into())));
        assert_eq!(settings.listen, at("http://[::1]"));
    }

    #[test]
    fn addresses_that_cannot_be_known_are_told_apart() {
        assert_eq!(of("admin.listen = \"off\"").listen, Listen::Off);
        assert_eq!(of("admin.listen = \"127.0.0.1:0\"").listen, Listen::AnyPort);
    }

    #[test]
    fn mistakes_that_serve_refuses_do_not_matter() {
        let settings = of(
            "version = 7\nnonsense = true\n[admin]\nlisten = \"127.0.0.1:7\"\ntoken = 5\n\
             [state]\ndir = []\n[[route]]\nport = 1\n",
        );
        assert_eq!(settings.listen, at("127.0.0.1:7"));
        assert_eq!((settings.token, settings.note), (None, None));
        assert_eq!(settings.state_dir, Path::new("/etc/airgate/.airgate"));
    }

    #[test]
    fn what_is_whole_counts_also_behind_broken_syntax() {
        let own = "[admin]\nlisten = \"127.0.0.1:7\"\n[state]  # here\ndir = \"kept\"\n";
        for broken in [
            "[[route]\nx = = 1\n",
            "x = [1,\n",
            "x = \"\"\"abc\n",
            "x = {\n",
            "]\n",
        ] {
            for text in [format!("{broken}{own}"), format!("{own}{broken}")] {
                let settings = of(&text);
                assert_eq!(settings.listen, at("127.0.0.1:7"), "{text}");
                assert_eq!(settings.state_dir, Path::new("/etc/airgate/kept"), "{text}");
                assert!(settings.note.unwrap().ends_with(" is not TOML"), "{text}");
            }
        }
    }

    #[test]
    fn half_a_value_does_not_count() {
        let settings = of("[admin]\nlisten = \"127.0.0.1:7\n");
        assert_eq!(settings.listen, at("127.0.0.1:9901"));
        assert_eq!(settings.note.unwrap(), "2 is not TOML");
    }

    #[test]
    fn what_is_no_text_at_all_is_all_defaults_with_a_note() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("routes.toml");
        for bytes in [&b"\xff\xfe\x00"[..], b"\x7fELF\x02\x01", b"}{][\"'''"] {
            std::fs::write(&path, bytes).unwrap();
            let settings = AdminSettings::read(&path);
            assert_eq!(settings.listen, at("127.0.0.1:9901"));
            assert_eq!(settings.state_dir, dir.path().join(STATE_DIR));
            assert!(settings.note.unwrap().contains("routes.toml"), "{bytes:?}");
        }
        let missing = AdminSettings::read(&dir.path().join("nothing.toml"));
        assert!(missing.note.unwrap().contains("cannot be read"));
    }
}
