//! The versions of a component and their shares of its requests.

use std::collections::HashMap;

use crate::config::raw::{RawComponent, RawVersion};
use crate::config::read::{At, Entries, Field, List, Place, Problems, did_you_mean, listed};
use crate::core::{VersionName, VersionSpec, Weight};

use super::Premises;
use super::version::{Written, version};

pub(super) fn versions(
    raw: &RawComponent,
    place: &Place,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> (Vec<VersionSpec>, Vec<Weight>) {
    let versions = match (is_short(raw), &raw.versions) {
        (true, Field::Absent) => short(raw, place, premises, problems),
        (true, _) => {
            problems
                .error(place, "a component has either one `source` or `versions`")
                .help(
                    "move source, version, digest and signature into a [[…versions]] of their own",
                );
            Vec::new()
        }
        (false, Field::Absent) => {
            problems
                .error(place, "`source` is missing")
                .help("name the wasm file, relative to this one");
            Vec::new()
        }
        (false, field) => long(field, premises, problems),
    };
    let weights = weights(raw, &versions, problems);
    (versions, weights)
}

fn is_short(raw: &RawComponent) -> bool {
    !raw.source.is_absent()
        || !raw.version.is_absent()
        || !raw.digest.is_absent()
        || !raw.signature.is_absent()
}

fn short(
    raw: &RawComponent,
    place: &Place,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Vec<VersionSpec> {
    if raw.source.is_absent() {
        problems
            .error(place, "`source` is missing")
            .help("name the wasm file, relative to this one");
    }
    let written = Written {
        place,
        name: raw.version.value(),
        source: &raw.source,
        digest: &raw.digest,
        signature: &raw.signature,
    };
    version(&written, premises, problems).into_iter().collect()
}

fn long(
    field: &Field<List<RawVersion>>,
    premises: &Premises<'_>,
    problems: &mut Problems<'_>,
) -> Vec<VersionSpec> {
    let Some(list) = field.given() else {
        return Vec::new();
    };
    if list.is_empty() {
        problems.error(&list.place, "a component needs at least one version");
    }
    refuse_doubles(list, problems);
    let each = list.iter().filter_map(|raw| {
        let written = Written {
            place: &raw.place,
            name: raw.name.value(),
            source: &raw.source,
            digest: &raw.digest,
            signature: &raw.signature,
        };
        version(&written, premises, problems)
    });
    each.collect()
}

fn refuse_doubles(list: &List<RawVersion>, problems: &mut Problems<'_>) {
    let mut first: HashMap<&VersionName, &Place> = HashMap::new();
    for name in list.iter().filter_map(|raw| raw.name.given()) {
        if let Some(place) = first.insert(&name.value, &name.place) {
            let message = format!(
                "version {:?} is there twice, first on line {}",
                name.as_str(),
                problems.line(place)
            );
            problems
                .error(&name.place, message)
                .related(&place.span, "first defined here");
        }
    }
}

/// One weight for each version, in their order.
fn weights(
    raw: &RawComponent,
    versions: &[VersionSpec],
    problems: &mut Problems<'_>,
) -> Vec<Weight> {
    match raw.traffic.given() {
        Some(traffic) => shares(raw, traffic, versions, problems),
        None => all_to_the_first(raw, versions, problems),
    }
}

fn all_to_the_first(
    raw: &RawComponent,
    versions: &[VersionSpec],
    problems: &mut Problems<'_>,
) -> Vec<Weight> {
    if let (Some(list), [first, _, ..], true) =
        (raw.versions.given(), versions, raw.traffic.is_absent())
    {
        let name = first.name.as_ref().map_or("", VersionName::as_str);
        problems
            .warn(
                &list.place,
                format!("without `traffic` every request goes to the first version, {name:?}"),
            )
            .help(format!(
                "write traffic = {{ {name:?} = 1 }} if it shall be so"
            ));
    }
    let mut weights = vec![0; versions.len()];
    weights.first_mut().into_iter().for_each(|first| *first = 1);
    weights
}

fn shares(
    raw: &RawComponent,
    traffic: &At<Entries<VersionName, u32>>,
    versions: &[VersionSpec],
    problems: &mut Problems<'_>,
) -> Vec<Weight> {
    let mut weights = HashMap::new();
    for share in &traffic.0 {
        expect_version(raw, &share.key, &traffic.place, problems);
        weights.insert(&share.key.value, share.value.or(1));
    }
    let sum: u64 = weights.values().map(|weight| u64::from(*weight)).sum();
    if sum == 0 {
        problems.error(
            &traffic.place,
            "the weights sum to 0: no version would get a request",
        );
    } else if sum > u32::MAX.into() {
        problems.error(
            &traffic.place,
            format!("the weights sum to {sum}, more than {}", u32::MAX),
        );
    }
    let weight = |version: &VersionSpec| {
        version
            .name
            .as_ref()
            .and_then(|name| weights.get(name).copied())
    };
    versions
        .iter()
        .map(|version| weight(version).unwrap_or(0))
        .collect()
}

fn expect_version(
    raw: &RawComponent,
    name: &At<VersionName>,
    table: &Place,
    problems: &mut Problems<'_>,
) {
    let several = raw.versions.value().into_iter().flatten();
    let known: Vec<_> = several
        .filter_map(|raw| raw.name.value())
        .chain(raw.version.value())
        .collect();
    let unreadable =
        matches!(raw.versions, Field::Unreadable) || matches!(raw.version, Field::Unreadable);
    if unreadable || known.contains(&&name.value) {
        return;
    }
    let known: Vec<_> = known.into_iter().map(VersionName::as_str).collect();
    let meant = did_you_mean(name.as_str(), known.iter().copied());
    let message = format!("unknown version {:?}{meant}", name.as_str());
    let help = match known.is_empty() {
        true => "name the version with `version`".into(),
        false => format!("the versions are {}", listed(known)),
    };
    problems
        .error(&table.at(&name.place.span), message)
        .help(help);
}
