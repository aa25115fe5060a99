//! What the gateway opens by a path must not lie where a component may write: the component
//! could put a link in its place, and be led, or lead others, wherever it likes.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::config::raw::{RawComponent, RawConfig};
use crate::config::read::{At, Field, Place, Problems};
use crate::config::text::{ArtifactSource, Elsewhere, FilePath, SecretSource};
use crate::core::FileMode;

use super::{Surroundings, security, tokens};

/// As the kernel does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Something that is opened by its path.
struct Opened<'a> {
    what: &'static str,
    path: &'a Path,
    place: &'a Place,
}

/// A directory that a component may write to.
struct Writable<'a> {
    real: PathBuf,
    place: &'a Place,
}

/// Reports each path that leads through a directory some component may write to.
pub(super) fn refuse(raw: &RawConfig, around: &Surroundings<'_>, problems: &mut Problems<'_>) {
    let writable = writable(raw, around);
    if writable.is_empty() {
        return;
    }
    for opened in opened(raw) {
        let steps = steps(&around.resolve(opened.path));
        let through = |it: &&Writable<'_>| {
            steps
                .iter()
                .any(|step| step.starts_with(&it.real) && *step != it.real)
        };
        let Some(writable) = writable.iter().find(through) else {
            continue;
        };
        let line = problems.line(writable.place);
        let (path, what) = (opened.path.display(), opened.what);
        let message =
            format!("{what} {path} lies where a component may write, by the grant of line {line}");
        problems
            .error(opened.place, message)
            .help("a component could put a link in its place: keep it outside, or grant less")
            .related(&writable.place.span, "writable by this grant");
    }
}

fn components(raw: &RawConfig) -> impl Iterator<Item = &RawComponent> {
    let all = raw.component.value().into_iter().flat_map(|all| &all.0);
    all.filter_map(|entry| entry.value.value())
}

fn writable<'a>(raw: &'a RawConfig, around: &Surroundings<'_>) -> Vec<Writable<'a>> {
    let grants = components(raw)
        .filter_map(|component| component.capabilities.value()?.files.value())
        .flatten();
    let writable = grants.filter(|grant| grant.mode.value() == Some(&FileMode::ReadWrite));
    let sources = writable.filter_map(|grant| grant.source.given());
    let real = |source: &'a At<FilePath>| {
        let real = around.resolve(&source.0).canonicalize().ok()?;
        let place = &source.place;
        // One that holds this file is an error already, and the rest would only repeat it.
        let is_sound = !around.file.starts_with(&real);
        is_sound.then_some(Writable { real, place })
    };
    sources.filter_map(real).collect()
}

fn opened(raw: &RawConfig) -> Vec<Opened<'_>> {
    let mut all = Vec::new();
    for component in components(raw) {
        all.extend(artifact(&component.source));
        all.extend(at("the signature", &component.signature));
        for version in component.versions.value().into_iter().flatten() {
            all.extend(artifact(&version.source));
            all.extend(at("the signature", &version.signature));
        }
        if let Some(raw) = component.capabilities.value() {
            let files = raw.files.value().into_iter().flatten();
            all.extend(files.flat_map(|grant| at("the granted directory", &grant.source)));
            let environment = raw.environment.value().into_iter().flat_map(|it| &it.0.0);
            all.extend(environment.flat_map(|entry| secret(&entry.value)));
            let config = raw.config.value().into_iter().flat_map(|it| &it.0.0);
            all.extend(config.flat_map(|entry| secret(&entry.value)));
        }
    }
    let routes = raw.route.value().into_iter().flatten();
    let files = routes.filter_map(|route| route.files.value());
    all.extend(files.flat_map(|files| at("the served directory", &files.dir)));
    if let Some(tls) = raw.server.value().and_then(|server| server.tls.value()) {
        all.extend(at("the authority", &tls.client_ca));
        for certificate in tls.certificate.value().into_iter().flatten() {
            all.extend(at("the certificate", &certificate.cert));
            all.extend(at("the key", &certificate.key));
        }
    }
    let tokens = tokens::sources(raw);
    all.extend(tokens.filter_map(|source| elsewhere("the token", source)));
    all.extend(security::key_files(raw).map(|path| opened_at("the key", path)));
    let outbound = raw.outbound.value();
    all.extend(outbound.and_then(|outbound| at("the authority", &outbound.ca)));
    all
}

fn at<'a>(what: &'static str, field: &'a Field<FilePath>) -> Option<Opened<'a>> {
    field.given().map(|path| opened_at(what, path))
}

fn opened_at<'a>(what: &'static str, path: &'a At<FilePath>) -> Opened<'a> {
    Opened {
        what,
        path: &path.0,
        place: &path.place,
    }
}

fn artifact(field: &Field<ArtifactSource>) -> Option<Opened<'_>> {
    let given = field.given()?;
    match &given.value {
        ArtifactSource::Path(path) => Some(Opened {
            what: "the component",
            path: &path.0,
            place: &given.place,
        }),
        ArtifactSource::Https(_) | ArtifactSource::Oci(_) => None,
    }
}

fn secret(field: &Field<SecretSource>) -> Option<Opened<'_>> {
    match field.value()? {
        SecretSource::Elsewhere(source) => elsewhere("the value", source),
        SecretSource::Here(_) => None,
    }
}

fn elsewhere<'a>(what: &'static str, source: &'a Elsewhere) -> Option<Opened<'a>> {
    match source {
        Elsewhere::File(path) => Some(opened_at(what, path)),
        Elsewhere::Variable(_) => None,
    }
}

/// Every directory entry that resolving an absolute path looks at, links included, each in
/// its real directory.
fn steps(path: &Path) -> Vec<PathBuf> {
    let mut left: VecDeque<OsString> = parts(path);
    let (mut here, mut steps, mut links) = (PathBuf::from("/"), Vec::new(), 0);
    while let Some(part) = left.pop_front() {
        if part == ".." {
            here.pop();
            continue;
        }
        let entry = here.join(&part);
        steps.push(entry.clone());
        let Ok(target) = entry.read_link() else {
            here = entry;
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            break;
        }
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        let mut target = parts(&target);
        target.append(&mut left);
        left = target;
    }
    steps
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn every_entry_on_the_way_is_a_step() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        for name in ["data", "data/real", "outside"] {
            std::fs::create_dir(base.join(name)).unwrap();
        }
        symlink("data/planted", base.join("link")).unwrap();
        symlink("../outside", base.join("data/planted")).unwrap();
        let steps = steps(&base.join("link/file"));
        for entry in ["link", "data", "data/planted", "outside", "outside/file"] {
            assert!(steps.contains(&base.join(entry)), "{entry} of {steps:?}");
        }
    }

    #[test]
    fn a_circle_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(steps(&dir.path().join("a/file")).len() < 500);
    }
}
