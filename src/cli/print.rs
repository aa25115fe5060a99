//! How diagnostics and errors look on a terminal.

use std::io::{IsTerminal as _, Write as _};

use crate::config::{Diagnostics, LoadError};

/// Writes to stdout; a reader that has gone is nobody's error.
pub(super) fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
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
    #[allow(
        clippy::disallowed_methods,
        reason = "the terminal's setting: https://no-color.org"
    )]
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match colour {
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
