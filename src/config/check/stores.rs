//! `[storage.NAME]`, and whether what components are granted is among them.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

use crate::config::raw::{RawConfig, RawStore};
use crate::config::read::{At, Entry, Field, Place, Problems, did_you_mean, listed};
use crate::core::{ByteSize, KvAccess, Quota, StoreName, StoreSpec};

use super::server::size;

/// The store that is there without being described.
const DEFAULT: &str = "default";
/// Each has a file, or a place in memory, of its own.
const MOST: usize = 64;

const QUOTA: RangeInclusive<u64> = 1 << 10..=1 << 40;
/// A value travels through a guest's memory in one piece.
const VALUE: RangeInclusive<u64> = 1..=16 << 20;

/// The stores of a file.
pub(super) struct Stores {
    specs: BTreeMap<StoreName, StoreSpec>,
    /// Described, and granted to nobody.
    idle: Vec<Place>,
}

impl Stores {
    pub fn check(raw: &RawConfig, problems: &mut Problems<'_>) -> Self {
        let described = || raw.storage.value().into_iter().flat_map(|all| &all.0);
        if let Some(entry) = described().nth(MOST) {
            let message = format!("{} stores are more than {MOST}", described().count());
            problems.error(&entry.key.place, message);
        }
        let mut specs: BTreeMap<_, _> = described()
            .map(|entry| (entry.key.value.clone(), spec(&entry.value, problems)))
            .collect();
        let mut used = HashSet::new();
        let is_readable = !matches!(raw.storage, Field::Unreadable);
        for name in granted(raw).map(|entry| &entry.key) {
            used.insert(&name.value);
            match name.as_str() {
                DEFAULT => {
                    specs.entry(name.value.clone()).or_default();
                }
                _ if is_readable && !specs.contains_key(&name.value) => {
                    report_unknown(name, &specs, problems);
                }
                _ => {}
            }
        }
        let idle = described().filter(|entry| !used.contains(&entry.key.value));
        let idle = idle.map(|entry| entry.key.place.clone()).collect();
        Self { specs, idle }
    }

    /// Only where nothing else is wrong: the grant may be there with a slip in it.
    pub fn warn_of_idle(&self, problems: &mut Problems<'_>) {
        if problems.has_errors() {
            return;
        }
        for place in &self.idle {
            problems
                .warn(place, "no component is granted this store")
                .help("[component.NAME.capabilities] keyvalue = { … } grants it");
        }
    }

    pub fn into_specs(self) -> BTreeMap<StoreName, StoreSpec> {
        self.specs
    }
}

/// Every grant of a store.
fn granted(raw: &RawConfig) -> impl Iterator<Item = &Entry<StoreName, KvAccess>> {
    let components = raw.component.value().into_iter().flat_map(|all| &all.0);
    components
        .filter_map(|entry| entry.value.value()?.capabilities.value()?.keyvalue.value())
        .flat_map(|keyvalue| &keyvalue.0)
}

fn report_unknown(
    name: &At<StoreName>,
    specs: &BTreeMap<StoreName, StoreSpec>,
    problems: &mut Problems<'_>,
) {
    let others = specs.keys().map(StoreName::as_str);
    let others = others.filter(|other| *other != DEFAULT);
    let known: Vec<_> = std::iter::once(DEFAULT).chain(others).collect();
    let meant = did_you_mean(name.as_str(), known.iter().copied());
    let message = format!("unknown store {:?}{meant}", name.as_str());
    let help = match known[..] {
        [_] => format!("describe it in [storage.{}]", name.value),
        _ => format!("the stores are {}", listed(known)),
    };
    problems.error(&name.place, message).help(help);
}

fn spec(field: &Field<RawStore>, problems: &mut Problems<'_>) -> StoreSpec {
    let default = StoreSpec::default();
    let Some(raw) = field.given() else {
        return default;
    };
    let keys = raw.max_keys.value();
    let spec = StoreSpec {
        backend: raw.backend.or(default.backend),
        quota: Quota {
            bytes: size(&raw.max_bytes, default.quota.bytes, QUOTA, problems),
            keys: keys.map_or(default.quota.keys, |keys| keys.get()),
        },
        max_value: size(&raw.max_value, default.max_value, VALUE, problems),
    };
    warn_of_no_room(raw, spec.quota.bytes, problems);
    spec
}

fn warn_of_no_room(raw: &RawStore, quota: ByteSize, problems: &mut Problems<'_>) {
    let value = raw.max_value.given().filter(|value| value.value > quota);
    if let Some(value) = value {
        let message = format!(
            "a value of {} never fits into max_bytes {quota}",
            value.value
        );
        problems
            .warn(&value.place, message)
            .help("raise max_bytes, which each component has for all of its keys and values");
    }
}
