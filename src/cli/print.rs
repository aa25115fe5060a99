//! How diagnostics and errors look on a terminal.

use std::io::Write as _;

use super::table::Table;
use super::terminal::is_coloured;
use crate::config::{Diagnostics, LoadError};

/// Writes to stdout; a reader that has gone is nobody's error.
pub(super) fn out(text: &str) {
    bytes(text.as_bytes());
}

/// As [`out`].
pub(super) fn bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes);
    let _ = stdout.flush();
}

/// JSON as it is, on lines of its own.
pub(super) fn json(document: &str) {
    out(&format!("{}\n", document.trim_end()));
}

/// A table, in colour where that is wanted.
pub(super) fn table(table: &Table) -> String {
    table.render(is_coloured(&std::io::stdout()))
}

pub(super) fn error(error: &dyn std::fmt::Display) {
    eprintln!("airgate: {error}");
}

/// A finding that keeps nothing from going on.
pub(super) fn note(note: &dyn std::fmt::Display) {
    eprintln!("{note}");
}

pub(super) fn diagnostics(diagnostics: &Diagnostics) {
    if diagnostics.is_empty() {
        return;
    }
    match is_coloured(&std::io::stderr()) {
        true => eprintln!("{}", diagnostics.colored()),
        false => eprintln!("{diagnostics}"),
    }
}

pub(super) fn load_error(failure: &LoadError) {
    match failure {
        LoadError::Invalid(found) => diagnostics(found),
        LoadError::Io { .. } => error(failure),
    }
}
