//! Where a value is.

use clap::Args;

use crate::cli::admin::AdminApi;
use crate::cli::names;
use crate::cli::segment::segment;
use crate::core::{ComponentName, Key, StoreName};

/// The keys of a component in a store.
#[derive(Args)]
pub(super) struct Space {
    /// The component whose keys they are
    #[arg(value_parser = names::component)]
    component: ComponentName,
    /// The store
    #[arg(long, value_name = "NAME", default_value = "default")]
    store: StoreName,
    #[command(flatten)]
    pub api: AdminApi,
}

impl Space {
    pub fn path(&self) -> String {
        format!("/v1/stores/{}/spaces/{}/keys", self.store, self.component)
    }

    pub fn path_of(&self, key: &Key) -> String {
        format!("{}/{}", self.path(), segment(key.as_str()))
    }
}

/// A key that can stand in the path of a URL.
pub(super) fn key(text: &str) -> Result<Key, String> {
    // RFC 3986 §5.2.4: encoded or not, they would lead to another resource.
    if matches!(text, "." | "..") {
        return Err("a key of nothing but one or two dots cannot be named in a URL".into());
    }
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_lead_to_another_resource() {
        assert_eq!(key("user/1 ü").unwrap().as_str(), "user/1 ü");
        for bad in ["", ".", "..", "a\nb"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
        assert!(key(&"k".repeat(1_025)).is_err());
    }
}
