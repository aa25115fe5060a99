//! The files beside `routes.toml` that the configuration is made of.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::raw::{RawCapabilities, RawConfig};
use crate::config::read::{Entries, Field};
use crate::config::text::{Elsewhere, SecretSource};

use super::{Surroundings, security, tokens};

/// Absolute, sorted, each once.
pub(super) fn watched(raw: &RawConfig, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let tokens = tokens::sources(raw).filter_map(|source| file(source, around));
    let keys = security::key_files(raw).map(|path| around.resolve(&path.0));
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
