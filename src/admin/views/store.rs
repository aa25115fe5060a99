//! Stores and what is in them, as they are shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::{ComponentName, Key, KeyPage, KvStore, StoreError, StoreName, Usage};

/// All stores.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Stores")]
pub(in crate::admin) struct StoresView {
    /// By name.
    pub stores: Vec<StoreView>,
}

/// A store, and who has how much in it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Store")]
pub(in crate::admin) struct StoreView {
    name: String,
    /// `embedded` or `memory`.
    backend: &'static str,
    quota: QuotaView,
    /// Those that have something in it, by name; absent when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    spaces: Option<Vec<SpaceView>>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What each component may have in a store.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
struct QuotaView {
    /// Of keys and values together.
    bytes: u64,
    keys: u64,
}

/// What a component has in a store.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Space")]
struct SpaceView {
    component: String,
    /// Of keys and values together.
    bytes: u64,
    keys: u64,
}

/// Some of the keys, in the order of their bytes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Keys")]
pub(in crate::admin) struct KeysView {
    keys: Vec<String>,
    /// There are more after the last of them.
    more: bool,
}

/// A number after an increment.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct Incremented {
    pub value: i64,
}

/// What a restore has brought back.
#[derive(Serialize, JsonSchema)]
pub(in crate::admin) struct Restored {
    /// Keys with their values.
    pub records: u64,
}

impl StoreView {
    pub fn new(
        name: &StoreName,
        store: &dyn KvStore,
        spaces: Result<Vec<(ComponentName, Usage)>, StoreError>,
    ) -> Self {
        let quota = store.quota();
        let (spaces, error) = match spaces {
            Ok(spaces) => (
                Some(spaces.into_iter().map(SpaceView::from).collect()),
                None,
            ),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            name: name.to_string(),
            backend: store.backend().as_str(),
            quota: QuotaView {
                bytes: quota.bytes.0,
                keys: quota.keys,
            },
            spaces,
            error,
        }
    }
}

impl From<(ComponentName, Usage)> for SpaceView {
    fn from((component, Usage { bytes, keys }): (ComponentName, Usage)) -> Self {
        Self {
            component: component.to_string(),
            bytes,
            keys,
        }
    }
}

impl From<KeyPage> for KeysView {
    fn from(page: KeyPage) -> Self {
        Self {
            keys: page.keys.iter().map(Key::to_string).collect(),
            more: page.more,
        }
    }
}
