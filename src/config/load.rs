//! A file → a configuration, or everything that is wrong with it.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::check::{Surroundings, check};
use super::diagnostic::Diagnostics;
use super::model::Config;
use super::raw::RawConfig;
use super::read::{Node, Place, Problems, Shape};
use super::source::{Hidden, SourceText};
use super::syntax;

/// More is no configuration but a mistake, and not worth the memory.
const LARGEST: u64 = 4 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read as text; the source says what to do.
    #[error("{}: {}", path.display(), advice(source))]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It was read, and has errors.
    #[error("{0}")]
    Invalid(Diagnostics),
}

fn advice(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such file; name the configuration with --config FILE".into()
        }
        ErrorKind::IsADirectory => {
            "is a directory; name the file in it, such as routes.toml".into()
        }
        ErrorKind::PermissionDenied => {
            "may not be read by this user; change its owner or mode".into()
        }
        _ => error.to_string(),
    }
}

/// Reads and checks a file. The diagnostics beside the configuration are warnings.
///
/// # Errors
/// A file that cannot be read, is not text, is larger than 4 MiB, or has any mistake.
pub fn load(path: impl AsRef<Path>) -> Result<(Config, Diagnostics), LoadError> {
    load_with(path, &[])
}

/// As [`load`], for a program that provides capabilities of its own: `customs` are their names,
/// which `[component.NAME.capabilities] custom` may grant.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    path: impl AsRef<Path>,
    customs: &[&str],
) -> Result<(Config, Diagnostics), LoadError> {
    let path = path.as_ref();
    let io = |source| LoadError::Io {
        path: path.to_path_buf(),
        source,
    };
    let text = read(path).map_err(io)?;
    let file = std::path::absolute(path).map_err(io)?;
    let source = SourceText::new(path.display().to_string(), text);
    #[allow(clippy::disallowed_methods, reason = "variables that the file names")]
    let variable = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    parse(
        source,
        &Surroundings {
            file: &file,
            variable: &variable,
            customs,
        },
    )
    .map_err(LoadError::Invalid)
}

fn read(path: &Path) -> std::io::Result<String> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let message = "larger than 4 MiB; is this the configuration?";
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, message));
    }
    decode(bytes)
}

fn decode(bytes: Vec<u8>) -> std::io::Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("line {line} is not UTF-8; save the file in that encoding");
        std::io::Error::new(ErrorKind::InvalidData, message)
    })?;
    // Some editors put a byte order mark in front.
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Text → configuration.
pub(super) fn parse(
    source: SourceText,
    around: &Surroundings<'_>,
) -> Result<(Config, Diagnostics), Diagnostics> {
    let source = Arc::new(source);
    let mut problems = Problems::new(&source);
    let config = parse_table(source.text(), around, &mut problems);
    let has_errors = problems.has_errors();
    let (found, hidden) = problems.into_parts();
    let diagnostics = Diagnostics::new(source.clone(), found, Hidden::new(hidden));
    match config {
        Some(config) if !has_errors => Ok((config, diagnostics)),
        _ => Err(diagnostics),
    }
}

fn parse_table(
    text: &str,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Config> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !syntax::report(text, &errors, problems) {
        return None;
    }
    let value = DeValue::Table(table.into_inner());
    let root = Node {
        value: &value,
        place: Place::default(),
    };
    let raw = RawConfig::read(&root, problems)?;
    Some(check(raw, around, problems))
}
