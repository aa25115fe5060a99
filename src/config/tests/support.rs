//! What the tests of the room have in common.

use std::ffi::OsString;
use std::path::Path;

use super::super::check::Surroundings;
use super::super::diagnostic::SourceText;
use super::super::load::parse;
use super::super::{Config, Diagnostics};

/// Files that the texts below refer to.
const FILES: [&str; 5] = ["a.wasm", "b.wasm", "tls.crt", "tls.key", "token"];

/// What most texts begin with: one component, one route. Four lines.
pub(super) const BASE: &str = "version = 1\ncomponent.a.source = \"a.wasm\"\n\
    [[route]]\npath = \"/a\"\ncomponent = \"a\"\n";

pub(super) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in FILES {
        std::fs::write(directory.path().join(file), "secret\n").unwrap();
    }
    std::fs::create_dir(directory.path().join("public")).unwrap();
    directory
}

pub(super) fn parse_in(directory: &Path, text: &str) -> Result<(Config, Diagnostics), Diagnostics> {
    let file = directory.join("routes.toml");
    let variable = |name: &str| match name {
        "TOKEN" => Some(OsString::from("from-the-environment")),
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
        },
    )
}

/// The first line of every diagnostic, of warnings too.
pub(super) fn first_lines(text: &str) -> Vec<String> {
    let directory = directory();
    let diagnostics = match parse_in(directory.path(), text) {
        Ok((_, warnings)) => warnings,
        Err(errors) => errors,
    };
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
