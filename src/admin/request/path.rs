//! The names in a path.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::core::{Backup, ComponentName, Key, KeyError, KvStore, StoreName, VersionName};

/// The component that a path names.
pub(in crate::admin) struct ComponentPath(pub ComponentName);

/// The version that a path names.
pub(in crate::admin) struct VersionPath {
    pub component: ComponentName,
    pub version: VersionName,
}

/// The store that a path names.
struct StorePath {
    name: StoreName,
    store: Arc<dyn KvStore>,
}

/// As a whole, the store that a path names.
pub(in crate::admin) struct BackupPath {
    pub name: StoreName,
    pub backup: Arc<dyn Backup>,
}

/// The store and, in it, the namespace of the component that a path names, whether or not there
/// is such a component.
pub(in crate::admin) struct SpacePath {
    pub store: Arc<dyn KvStore>,
    pub space: ComponentName,
}

/// As [`SpacePath`], and a key.
pub(in crate::admin) struct KeyPath {
    pub name: StoreName,
    pub store: Arc<dyn KvStore>,
    pub space: ComponentName,
    pub key: Key,
}

/// The number of a dead letter.
pub(in crate::admin) struct LetterPath(pub u64);

impl FromRequestParts<Shared> for ComponentPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        component(&names::<String>(parts).await?).map(Self)
    }
}

impl FromRequestParts<Shared> for VersionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let (name, version): (String, String) = names(parts).await?;
        let component = component(&name)?;
        let version = version
            .parse()
            .map_err(|error| Problem::bad_request(format!("version: {error}")).field("version"))?;
        Ok(Self { component, version })
    }
}

impl FromRequestParts<Shared> for BackupPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let StorePath { name, .. } = store(&names::<String>(parts).await?, shared)?;
        let backup = shared.node.stores().backup(&name);
        let elsewhere = || {
            Problem::conflict(format!(
                "store `{name}` is not this node's alone: save and restore it with the tools of \
                 what it is kept in"
            ))
        };
        let backup = backup.ok_or_else(elsewhere)?;
        Ok(Self { name, backup })
    }
}

impl FromRequestParts<Shared> for SpacePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let (name, space): (String, String) = names(parts).await?;
        let StorePath { store, .. } = store(&name, shared)?;
        let space = component(&space)?;
        Ok(Self { store, space })
    }
}

impl FromRequestParts<Shared> for KeyPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let (name, space, key): (String, String, String) = names(parts).await?;
        let StorePath { name, store } = store(&name, shared)?;
        let key = key.parse().map_err(|error: KeyError| {
            Problem::bad_request(format!("key: {error}")).field("key")
        })?;
        Ok(Self {
            name,
            store,
            space: component(&space)?,
            key,
        })
    }
}

impl FromRequestParts<Shared> for LetterPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let id = names::<String>(parts).await?;
        let parsed = id.parse().map(Self);
        parsed.map_err(|_| Problem::not_found(format!("there is no dead letter `{id}`")))
    }
}

/// As they are written, percent-encoding undone.
async fn names<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Problem> {
    let names = Path::<T>::from_request_parts(parts, &()).await;
    let Path(names) = names.map_err(|error| Problem::bad_request(error.body_text()))?;
    Ok(names)
}

/// What cannot be a name is the name of nothing.
fn component(name: &str) -> Result<ComponentName, Problem> {
    let parsed = name.parse();
    parsed.map_err(|_| Problem::not_found(format!("there is no component `{name}`")))
}

fn store(name: &str, shared: &Shared) -> Result<StorePath, Problem> {
    let parsed = name.parse::<StoreName>().ok();
    let found = parsed.and_then(|name| {
        let store = shared.node.stores().store(&name)?;
        Some(StorePath { name, store })
    });
    found.ok_or_else(|| Problem::not_found(format!("there is no store `{name}`")))
}
