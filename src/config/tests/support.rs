//! What the tests of the room have in common.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use super::super::check::Surroundings;
use super::super::load::parse;
use super::super::source::SourceText;
use super::super::{Config, Diagnostics};
use crate::core::Grants;

/// Files that the texts below refer to.
const FILES: [&str; 6] = [
    "a.wasm",
    "b.wasm",
    "a.minisig",
    "tls.crt",
    "tls.key",
    "token",
];

/// As `minisign -G` writes it.
pub(super) const PUBLIC_KEY: &str = "untrusted comment: minisign public key E7620F1842B4E81F\n\
    RWQBAQEBAQEBAQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n";

/// What most texts begin with: one component, one route. Four lines.
pub(super) const BASE: &str = "version = 1\ncomponent.a.source = \"a.wasm\"\n\
    [[route]]\npath = \"/a\"\ncomponent = \"a\"\n";

pub(super) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in FILES {
        std::fs::write(directory.path().join(file), "secret\n").unwrap();
    }
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("ci.pub"), PUBLIC_KEY).unwrap();
    for nested in ["public", "data/inner", "store"] {
        std::fs::create_dir_all(path(nested)).unwrap();
    }
    directory
}

pub(super) fn parse_in(directory: &Path, text: &str) -> Result<(Config, Diagnostics), Diagnostics> {
    let file = directory.join("routes.toml");
    let variable = |name: &str| match name {
        "TOKEN" => Some(OsString::from("from-the-environment")),
        "BYTES" => Some(OsString::from_vec(vec![0xff])),
        "UNUSABLE" => Some(OsString::from("two words")),
        "EMPTY" => Some(OsString::new()),
        _ => None,
    };
    let source = SourceText::new("routes.toml".into(), text.into());
    parse(
        source,
        &Surroundings {
            file: &file,
            variable: &variable,
            customs: &["mail", "queue"],
        },
    )
}

/// Of errors, or else of warnings.
pub(super) fn diagnostics(directory: &Path, text: &str) -> Diagnostics {
    match parse_in(directory, text) {
        Ok((_, warnings)) => warnings,
        Err(errors) => errors,
    }
}

/// The first line of every diagnostic, of warnings too.
pub(super) fn first_lines(text: &str) -> Vec<String> {
    let directory = directory();
    let diagnostics = diagnostics(directory.path(), text);
    diagnostics
        .iter()
        .map(|diagnostic| diagnostics.first_line(diagnostic))
        .collect()
}

/// Without `routes.toml:LINE:COLUMN`.
pub(super) fn messages(text: &str) -> Vec<String> {
    let lines = first_lines(text);
    lines
        .iter()
        .map(|line| line.split_once("  ").unwrap().1.to_owned())
        .collect()
}

/// `BASE` with more behind it is wrong in exactly this way.
#[track_caller]
pub(super) fn assert_adds(more: &str, expected: &[&str]) {
    assert_eq!(messages(&format!("{BASE}{more}\n")), expected, "{more}");
}

pub(super) fn config(text: &str) -> Config {
    let directory = directory();
    match parse_in(directory.path(), text) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{errors}"),
    }
}

pub(super) fn config_with(more: &str) -> Config {
    config(&format!("{BASE}{more}\n"))
}

/// `BASE` with these capabilities is wrong in exactly this way. They begin on line 7; an idle
/// component behind them does not count.
#[track_caller]
pub(super) fn assert_grants(keys: &str, expected: &[&str]) {
    let mut found = messages(&format!("{BASE}[component.a.capabilities]\n{keys}\n"));
    found.retain(|line| !line.contains("no route leads to"));
    assert_eq!(found, expected, "{keys}");
}

/// The grants of a component with these capabilities.
pub(super) fn grants(keys: &str) -> Grants {
    let config = config_with(&format!("[component.a.capabilities]\n{keys}"));
    Grants::clone(&config.components["a"].grants)
}
