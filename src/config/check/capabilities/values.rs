//! What a component is told: `environment`, `config` and `custom`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::read::{Entries, Field, Json, Problems, did_you_mean, listed};
use crate::config::text::{ConfigKey, GuestVariable, SecretSource, Secrets};
use crate::core::Secret;

use super::super::{Surroundings, elsewhere};

type Texts = BTreeMap<String, Secret>;

pub(super) fn environment(
    field: &Field<Secrets<GuestVariable>>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Texts {
    let mut texts = Texts::new();
    for entry in field.value().into_iter().flat_map(|secrets| &secrets.0.0) {
        let Some(value) = secret(&entry.value, around, problems) else {
            continue;
        };
        if value.expose().contains('\0') {
            problems
                .error(
                    &entry.key.place,
                    "the value has a zero in it, where guests take it to end",
                )
                .help("give it by `config`, or without the zero");
        }
        texts.insert(entry.key.0.clone(), value);
    }
    texts
}

pub(super) fn config(
    field: &Field<Secrets<ConfigKey>>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Texts {
    let entries = field.value().into_iter().flat_map(|secrets| &secrets.0.0);
    let texts = entries.filter_map(|entry| {
        let value = secret(&entry.value, around, problems)?;
        Some((entry.key.0.clone(), value))
    });
    texts.collect()
}

fn secret(
    field: &Field<SecretSource>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Secret> {
    match field.value()? {
        SecretSource::Here(secret) => Some(secret.clone()),
        SecretSource::Elsewhere(source) => {
            elsewhere::text(source, around, problems).map(Secret::new)
        }
    }
}

/// Capabilities that the program adds: it must have added them.
pub(super) fn custom(
    field: &Field<Entries<String, Json>>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for entry in field.value().into_iter().flat_map(|entries| &entries.0) {
        let name = entry.key.as_str();
        if !around.customs.contains(&name) {
            let known = || around.customs.iter().copied();
            let message = format!("unknown capability {name:?}{}", did_you_mean(name, known()));
            let help = match around.customs.is_empty() {
                true => "this program provides none".into(),
                false => format!("this program provides {}", listed(known())),
            };
            problems.error(&entry.key.place, message).help(help);
        }
        if let Some(value) = entry.value.value() {
            values.insert(name.to_owned(), value.0.clone());
        }
    }
    values
}
