//! One version: where its bytes come from, and what is known of them before.

use std::path::PathBuf;

use crate::config::read::{At, Field, Place, Problems};
use crate::config::text::{ArtifactSource, FilePath};
use crate::core::{Digest, Source, VersionName, VersionSpec};

use super::{Premises, Surroundings};

/// As it is written, in the short form or in the long one.
pub(super) struct Written<'a> {
    pub place: &'a Place,
    pub name: Option<&'a VersionName>,
    pub source: &'a Field<ArtifactSource>,
    pub digest: &'a Field<Digest>,
    pub signature: &'a Field<FilePath>,
}

pub(super) fn version(
    written: &Written<'_>,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Option<VersionSpec> {
    let around = premises.around;
    check_digest(written, premises, problems);
    let signature = signature(written, premises, problems);
    Some(VersionSpec {
        name: written.name.cloned(),
        source: source(written.source.given()?, around, problems),
        digest: written.digest.value().copied(),
        signature,
    })
}

fn source(
    written: &At<ArtifactSource>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Source {
    match &written.value {
        ArtifactSource::Path(path) => {
            let path = at(path, &written.place);
            Source::Path(around.existing_file(&path, problems))
        }
        ArtifactSource::Https(url) => Source::Https(url.clone()),
        ArtifactSource::Oci(image) => Source::Oci(image.clone()),
    }
}

fn at(path: &FilePath, place: &Place) -> At<FilePath> {
    let (value, place) = (path.clone(), place.clone());
    At { value, place }
}

/// A signature pins the bytes too: to those that somebody trusted has made.
fn check_digest(written: &Written<'_>, premises: &Premises<'_>, problems: &mut Problems<'_>) {
    if !written.digest.is_absent() {
        return;
    }
    if let Some(required) = &premises.security.digest {
        problems
            .error(
                written.place,
                "`digest` is missing, and require_digest wants it of every version",
            )
            .help("`airgate inspect FILE.wasm` shows it: write digest = \"sha256:…\"")
            .related(&required.span, "required here");
    } else if premises.security.signature.is_none() {
        warn_of_change(written, problems);
    }
}

fn warn_of_change(written: &Written<'_>, problems: &mut Problems<'_>) {
    let Some(source) = written.source.given().filter(|source| source.may_change()) else {
        return;
    };
    problems
        .warn(
            &source.place,
            "nothing pins these bytes: whoever controls the other end decides what runs",
        )
        .help("pin them: digest = \"sha256:…\", as `airgate inspect FILE.wasm` shows it");
}

fn signature(
    written: &Written<'_>,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Option<PathBuf> {
    let security = premises.security;
    let Some(path) = written.signature.given() else {
        if security.signature.is_some() && security.has_keys && written.signature.is_absent() {
            expect_beside(written.source, premises.around, problems);
        }
        return None;
    };
    // Where one is required that is reported already.
    if !security.has_keys && security.signature.is_none() {
        problems
            .error(
                &path.place,
                "no key is trusted: nothing could be signed by one",
            )
            .help("name the public key of who signs: trusted_keys in [security]");
    }
    Some(premises.around.existing_file(path, problems))
}

/// Without a path of its own a signature is the file beside the source.
fn expect_beside(
    source: &Field<ArtifactSource>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) {
    let Some(source) = source.given() else {
        return;
    };
    let ArtifactSource::Path(path) = &source.value else {
        return;
    };
    let mut beside = path.0.clone().into_os_string();
    beside.push(".minisig");
    let resolved = around.resolve(beside.as_ref());
    if around.resolve(&path.0).is_file() && !resolved.is_file() {
        let message = format!("{} is not signed", path.0.display());
        problems.error(&source.place, message).help(format!(
            "looked for {}; another place is named with `signature`",
            resolved.display()
        ));
    }
}
