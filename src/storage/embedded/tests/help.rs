//! What these tests have in common.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::super::EmbeddedStore;
use crate::core::{ComponentName, Key, KvStore as _, StoreError, StoreName, StoreSpec, Write};

pub fn name() -> StoreName {
    "default".parse().unwrap()
}

pub fn file(dir: &Path) -> PathBuf {
    dir.join("default.redb")
}

pub fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, &name(), StoreSpec::default()).unwrap()
}

pub fn cart() -> ComponentName {
    "cart".parse().unwrap()
}

pub fn key(text: &str) -> Key {
    text.parse().unwrap()
}

pub fn set(key: &str, value: impl Into<Bytes>) -> Write {
    Write::Set {
        key: key.parse().unwrap(),
        value: value.into(),
        ttl: None,
    }
}

pub async fn write(store: &EmbeddedStore, key: &str, value: impl Into<Bytes>) {
    store.write(&cart(), vec![set(key, value)]).await.unwrap();
}

pub async fn read(store: &EmbeddedStore, text: &str) -> Result<Option<Bytes>, StoreError> {
    let stored = store.get(&cart(), &key(text)).await?;
    Ok(stored.map(|stored| stored.value))
}

/// A test of this module as the test runner names it: without the name of the crate.
pub fn test_name(module: &str, test: &str) -> String {
    let (_, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}
