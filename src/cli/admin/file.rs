//! What the command line must know of `routes.toml` to find the admin API: address, token and
//! state directory, and nothing else.
//!
//! The file is read leniently, and never checked: an operator must be able to roll back
//! while it is broken. What cannot be read counts as if it were not there.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

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
        let line = |at: usize| {
            text.get(..at)
                .map_or(0, |before| before.matches('\n').count())
        };
        let spans = errors.iter().filter_map(toml::de::Error::span);
        let broken: Vec<usize> = spans.map(|span: Range<usize>| line(span.start)).collect();
        let found = Found {
            table: table.get_ref(),
            is_whole: &|span| !broken.contains(&line(span.start)),
        };
        let path = |path: &str| dir.join(path);
        let token = found.text(&["admin", "token", "env"]);
        let token = token.map(|name| TokenSource::Variable(name.to_owned()));
        Self {
            listen: listen(found.text(&["admin", "listen"]), dir),
            token: token.or_else(|| {
                let file = found.text(&["admin", "token", "file"]);
                file.map(|file| TokenSource::File(path(file)))
            }),
            state_dir: path(found.text(&["state", "dir"]).unwrap_or(STATE_DIR)),
            note: broken
                .first()
                .map(|line| format!("{} is not TOML", line + 1)),
        }
    }
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
    /// Nothing is wrong in the line of a value: half an address is another one.
    is_whole: &'a dyn Fn(Range<usize>) -> bool,
}

impl<'a> Found<'a> {
    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        let (first, rest) = keys.split_first()?;
        let mut value = self.table.get(*first)?;
        for key in rest {
            value = value.get_ref().as_table()?.get(*key)?;
        }
        match value.get_ref() {
            DeValue::String(text) if (self.is_whole)(value.span()) => Some(text),
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
    fn what_is_whole_counts_also_beside_broken_syntax() {
        let settings =
            of("[admin]\nlisten = \"127.0.0.1:7\"\n[[route]\nx = = 1\n[state]\ndir = \"kept\"\n");
        assert_eq!(settings.listen, at("127.0.0.1:7"));
        assert_eq!(settings.state_dir, Path::new("/etc/airgate/kept"));
        assert!(settings.note.unwrap().ends_with("is not TOML"));
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
