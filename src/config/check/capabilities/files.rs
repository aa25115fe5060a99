//! Directories that a component sees: not those the gateway itself depends on, and each place once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::config::raw::RawFileGrant;
use crate::config::read::{At, Field, List, Place, Problems};
use crate::config::text::FilePath;
use crate::core::{FileGrant, FileMode};

use super::super::Premises;
use super::directory::real;

/// A directory that is there.
struct Source<'a> {
    /// Without links.
    real: PathBuf,
    mode: FileMode,
    place: &'a Place,
    written: &'a Path,
}

pub(super) fn files(
    field: &Field<List<RawFileGrant>>,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Vec<FileGrant> {
    let list = || field.value().into_iter().flatten();
    let mut sources = Vec::new();
    let mut grants = Vec::new();
    for raw in list() {
        let mode = raw.mode.or(FileMode::default());
        let Some(path) = raw.source.given() else {
            continue;
        };
        let source = directory(path, premises, problems);
        let known = Source {
            real: real(&source),
            mode,
            place: &path.place,
            written: &path.0,
        };
        // Without its mode nobody knows how far the grant goes.
        if known.real.is_dir() && !matches!(raw.mode, Field::Unreadable) {
            guard_own(&known, premises, problems);
            sources.push(known);
        }
        if let Some(at) = raw.at.value() {
            let at = at.0.clone();
            grants.push(FileGrant { source, at, mode });
        }
    }
    refuse_overlaps(list(), problems);
    warn_of_two_modes(&sources, problems);
    grants
}

fn directory(path: &At<FilePath>, premises: &Premises<'_>, problems: &mut Problems<'_>) -> PathBuf {
    let resolved = premises.around.resolve(&path.0);
    if !resolved.is_file() {
        return premises.around.existing_directory(path, problems);
    }
    let directory = match path.0.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    problems
        .error(&path.place, format!("{} is a file", path.0.display()))
        .help(format!("grant its directory: {directory:?}"));
    resolved
}

/// The gateway's own files: who writes them rules the gateway, who reads them knows its secrets.
fn guard_own(source: &Source<'_>, premises: &Premises<'_>, problems: &mut Problems<'_>) {
    let state = real(premises.state_dir);
    let written = source.written.display();
    if source.real == state {
        problems
            .error(source.place, format!("{written} is the state directory"))
            .help("the admin token and keys are in there: grant another directory");
        return;
    }
    let relation = if source.real.starts_with(&state) {
        "lies in the state directory"
    } else {
        let holds_state = state.starts_with(&source.real);
        match (holds_state, holds_file(source, premises.around.file)) {
            (true, true) => "holds this file and the state directory",
            (true, false) => "holds the state directory",
            (false, true) => "holds this file",
            (false, false) => return,
        }
    };
    match source.mode {
        FileMode::ReadWrite => problems
            .error(
                source.place,
                format!("{written} {relation}, and may be written to"),
            )
            .help("who writes there rules the gateway: grant a directory beside it"),
        FileMode::Read => problems
            .warn(
                source.place,
                format!("{written} {relation}, and may be read"),
            )
            .help("secrets may lie there: grant a directory beside it"),
    };
}

/// By its name or, where that is a link, by what it leads to.
fn holds_file(source: &Source<'_>, file: &Path) -> bool {
    let named = file.parent().map(real);
    named.is_some_and(|named| named.starts_with(&source.real))
        || real(file).starts_with(&source.real)
}

/// In one place of the guest's there can be only one directory.
fn refuse_overlaps<'a>(
    list: impl Iterator<Item = &'a At<RawFileGrant>> + Clone,
    problems: &mut Problems<'_>,
) {
    let ats = || list.clone().filter_map(|raw| raw.at.given());
    let mut first: HashMap<&Path, &Place> = HashMap::new();
    for at in ats() {
        first.entry(Path::new(&at.0)).or_insert(&at.place);
    }
    for at in ats() {
        let path = Path::new(&at.0);
        let outer = match first.get(path) {
            Some(place) if **place != at.place => Some((path, *place)),
            _ => {
                let mut outer = path.ancestors().skip(1);
                outer.find_map(|outer| first.get(outer).map(|place| (outer, *place)))
            }
        };
        let Some((outer, place)) = outer else {
            continue;
        };
        let line = problems.line(place);
        let message = match outer == path {
            true => format!("{:?} is there twice, first on line {line}", at.0),
            false => format!("{:?} lies inside {outer:?} of line {line}", at.0),
        };
        problems
            .error(&at.place, message)
            .help("the component could not tell which it sees: give each a place of its own")
            .related(&place.span, "the other one");
    }
}

/// What is read-only through one grant is writable through another.
fn warn_of_two_modes(sources: &[Source<'_>], problems: &mut Problems<'_>) {
    let mut writable: HashMap<&Path, &Source<'_>> = HashMap::new();
    // Directories with something writable in them.
    let mut above: HashMap<&Path, &Source<'_>> = HashMap::new();
    for source in sources
        .iter()
        .filter(|source| source.mode == FileMode::ReadWrite)
    {
        writable.entry(&source.real).or_insert(source);
        for outer in source.real.ancestors().skip(1) {
            above.entry(outer).or_insert(source);
        }
    }
    for source in sources
        .iter()
        .filter(|source| source.mode == FileMode::Read)
    {
        let whole = source
            .real
            .ancestors()
            .find_map(|outer| writable.get(outer));
        let Some(other) = whole.or_else(|| above.get(&*source.real)) else {
            continue;
        };
        let line = problems.line(other.place);
        let part = if whole.is_some() { "" } else { "in part " };
        let written = source.written.display();
        let message = format!("{written} is read-only here, and {part}writable by line {line}");
        problems
            .warn(source.place, message)
            .related(&other.place.span, "writable by this one");
    }
}
