//! Values that stand in a file or in a variable: read here, once.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::config::read::{At, Problems};
use crate::config::text::{Elsewhere, FilePath, VariableName};
use crate::core::ByteSize;

use super::Surroundings;

/// More is no setting, and not worth the memory.
const LARGEST: ByteSize = ByteSize(64 << 10);

/// The text that stands there, or a report of why it cannot be had.
pub(super) fn text(
    source: &Elsewhere,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<String> {
    match source {
        Elsewhere::Variable(name) => from_variable(name, around, problems),
        Elsewhere::File(path) => from_file(path, around, problems),
    }
}

fn from_variable(
    name: &At<VariableName>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let Some(value) = (around.variable)(&name.0) else {
        problems
            .error(&name.place, format!("the variable {} is not set", name.0))
            .help("set it in the environment of the server");
        return None;
    };
    let text = value.into_string().ok();
    if text.is_none() {
        let message = format!("the variable {} is not UTF-8", name.0);
        problems.error(&name.place, message);
    }
    text
}

/// Without white space at its end, such as the newline that editors put there.
pub(super) fn from_file(
    path: &At<FilePath>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let resolved = around.resolve(&path.0);
    let why = match read(&resolved) {
        Ok(bytes) if bytes.len() as u64 > LARGEST.0 => format!("is larger than {LARGEST}"),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return Some(text.trim_end().to_owned()),
            Err(_) => "is not UTF-8".into(),
        },
        Err(error) => format!("cannot be read: {error}"),
    };
    problems
        .error(&path.place, format!("{} {why}", path.0.display()))
        .help(format!("looked for {}", resolved.display()));
    None
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST.0 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
