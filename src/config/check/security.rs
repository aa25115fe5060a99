//! `[security]`: what must be known of a component before it may run.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::raw::{RawConfig, RawSecurity};
use crate::config::read::{At, Field, Place, Problems};
use crate::config::text::{FilePath, KeySource};
use crate::core::{ArtifactPolicy, TrustedKey, TrustedKeyError};

use super::server::{duration, size};
use super::{Surroundings, elsewhere};

const COMPILE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
const COMPILE_MEMORY: RangeInclusive<u64> = 256 << 20..=64 << 30;

/// The policy, and where it stands.
pub(super) struct Security {
    pub policy: ArtifactPolicy,
    /// Of `require_digest`, where it is true.
    pub digest: Option<Place>,
    /// Of `require_signature`, where it is true.
    pub signature: Option<Place>,
    /// Some key is written down, perhaps a wrong one.
    pub has_keys: bool,
}

pub(super) fn security(
    raw: &RawSecurity,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Security {
    let default = ArtifactPolicy::default();
    let (digest, signature) = (demand(&raw.require_digest), demand(&raw.require_signature));
    let has_keys = match &raw.trusted_keys {
        Field::Absent => false,
        Field::Unreadable => true,
        Field::Given(keys) => !keys.0.is_empty(),
    };
    if let Some(place) = signature.as_ref().filter(|_| !has_keys) {
        problems
            .error(place, "no key is trusted: nothing could be signed by one")
            .help("write trusted_keys = [\"RW…\"], with the public key of who signs");
    }
    Security {
        policy: ArtifactPolicy {
            require_digest: digest.is_some(),
            require_signature: signature.is_some(),
            trusted_keys: keys(raw, around, problems),
            compile_timeout: duration(
                &raw.compile_timeout,
                default.compile_timeout,
                &COMPILE_TIMEOUT,
                problems,
            ),
            compile_memory: size(
                &raw.compile_memory,
                default.compile_memory,
                COMPILE_MEMORY,
                problems,
            ),
        },
        digest,
        signature,
        has_keys,
    }
}

/// Keys that are not written in this file.
pub(super) fn key_files(raw: &RawConfig) -> impl Iterator<Item = &At<FilePath>> {
    let security = raw.security.value();
    let keys = security.and_then(|security| security.trusted_keys.value());
    let keys = keys.into_iter().flat_map(|keys| &keys.0);
    keys.filter_map(|key| match &key.value {
        KeySource::File(path) => Some(path),
        KeySource::Here(_) => None,
    })
}

fn demand(field: &Field<bool>) -> Option<Place> {
    let given = field.given().filter(|required| required.value);
    given.map(|required| required.place.clone())
}

/// Each once.
fn keys(
    raw: &RawSecurity,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Vec<TrustedKey> {
    let mut first: HashMap<String, &Place> = HashMap::new();
    let mut keys = Vec::new();
    for source in raw
        .trusted_keys
        .value()
        .into_iter()
        .flat_map(|keys| &keys.0)
    {
        let Some(key) = key(source, around, problems) else {
            continue;
        };
        if let Some(place) = first.get(&key.to_string()) {
            let line = problems.line(place);
            problems
                .warn(
                    &source.place,
                    format!("this key is there twice, first on line {line}"),
                )
                .related(&place.span, "first trusted here");
            continue;
        }
        first.insert(key.to_string(), &source.place);
        keys.push(key);
    }
    keys
}

fn key(
    source: &KeySource,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<TrustedKey> {
    match source {
        KeySource::Here(key) => Some(key.clone()),
        KeySource::File(path) => from_file(path, around, problems),
    }
}

fn from_file(
    path: &At<FilePath>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<TrustedKey> {
    let text = elsewhere::from_file(path, around, problems)?;
    let key = only_key(&text);
    if key.is_none() {
        let message = format!("{} holds no public key", path.0.display());
        problems.error(&path.place, message).help(format!(
            "one line of it is the key, beside comments: {TrustedKeyError}"
        ));
    }
    key
}

/// As minisign writes it: a comment, then the key.
fn only_key(text: &str) -> Option<TrustedKey> {
    let lines = text.lines().map(str::trim);
    let mut lines =
        lines.filter(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
    match (lines.next(), lines.next()) {
        (Some(key), None) => key.parse().ok(),
        _ => None,
    }
}
