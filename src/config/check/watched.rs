//! The files beside `routes.toml` that the configuration is made of.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::raw::{RawCapabilities, RawConfig};
use crate::config::read::{Entries, Field};
use crate::config::text::{Elsewhere, KeySource, SecretSource};

use super::Surroundings;

/// Absolute, sorted, each once.
pub(super) fn watched(raw: &RawConfig, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let admin = raw.admin.value();
    let others = admin.and_then(|admin| admin.tokens.value());
    let others = others
        .into_iter()
        .flat_map(|all| &all.0)
        .map(|named| &named.token);
    let tokens = admin.map(|admin| &admin.token).into_iter().chain(others);
    let tokens = tokens.filter_map(|token| file(&token.value()?.0, around));
    let keys = raw
        .security
        .value()
        .and_then(|security| security.trusted_keys.value());
    let keys = keys
        .into_iter()
        .flat_map(|all| &all.0)
        .filter_map(|key| match &key.value {
            KeySource::File(path) => Some(around.resolve(&path.0)),
            KeySource::Here(_) => None,
        });
    let ca = raw
        .outbound
        .value()
        .and_then(|outbound| outbound.ca.value());
    let ca = ca.map(|path| around.resolve(&path.0));
    let components = raw.component.value().into_iter().flat_map(|all| &all.0);
    let granted = components
        .filter_map(|entry| entry.value.value()?.capabilities.value())
        .flat_map(|raw| in_capabilities(raw, around));
    let all: BTreeSet<_> = tokens.chain(keys).chain(ca).chain(granted).collect();
    all.into_iter().collect()
}

fn in_capabilities(raw: &RawCapabilities, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let environment = raw
        .environment
        .value()
        .map(|secrets| files(&secrets.0, around));
    let config = raw.config.value().map(|secrets| files(&secrets.0, around));
    environment.into_iter().chain(config).flatten().collect()
}

fn files<K>(entries: &Entries<K, SecretSource>, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let values = entries.0.iter().map(|entry| &entry.value);
    let elsewhere = values.filter_map(|value: &Field<SecretSource>| match value.value()? {
        SecretSource::Elsewhere(source) => file(source, around),
        SecretSource::Here(_) => None,
    });
    elsewhere.collect()
}

fn file(source: &Elsewhere, around: &Surroundings<'_>) -> Option<PathBuf> {
    match source {
        Elsewhere::File(path) => Some(around.resolve(&path.0)),
        Elsewhere::Variable(_) => None,
    }
}
