//! A store that a guest has opened, and how far its grant goes.

use std::sync::Arc;

use super::{NAME, Refusal};
use crate::core::{KvAccess, KvStore, RequestId, StoreError, StoreName};
use crate::runtime::guard::Verdict;
use crate::runtime::guest::Guest;
use crate::runtime::instance::Recipe;

/// Bytes of a name that a report shows: no store has a longer one.
const SHOWN: usize = 64;

/// `bucket`: what of one store belongs to the component.
pub struct Bucket(pub(super) Arc<Opened>);

/// What stands behind a bucket.
pub(super) struct Opened {
    pub recipe: Arc<Recipe>,
    pub store: Arc<dyn KvStore>,
    name: StoreName,
    access: KvAccess,
}

impl Opened {
    /// The empty name is `default`.
    ///
    /// # Errors
    /// It is not granted, or not configured.
    pub fn open(guest: &Guest, name: &str) -> Result<Self, Refusal> {
        let name = if name.is_empty() { "default" } else { name };
        let recipe = guest.recipe();
        let (name, access) = match recipe.reach.grants.keyvalue.get_key_value(name) {
            Some((name, access)) => (name.clone(), *access),
            None => (Self::audited(guest, name)?, KvAccess::ReadWrite),
        };
        let store = recipe.reach.services.store(&name);
        Ok(Self {
            store: store.ok_or(Refusal::NoSuchStore)?,
            recipe: recipe.clone(),
            name,
            access,
        })
    }

    /// Reports a name that is not granted, and lets it through where the operator audits.
    fn audited(guest: &Guest, name: &str) -> Result<StoreName, Refusal> {
        let shown = name[..name.floor_char_boundary(SHOWN)].escape_debug();
        let (guard, request) = (guest.guard(), guest.origin().id);
        match guard.deny(NAME, &shown, &"no such store is granted", request) {
            Verdict::Refused => Err(Refusal::NoSuchStore),
            Verdict::Audited => name.parse().map_err(|_| Refusal::NoSuchStore),
        }
    }

    /// # Errors
    /// It is granted for reading only.
    pub fn may_write(&self, request: RequestId) -> Result<(), Refusal> {
        if self.access == KvAccess::ReadWrite {
            return Ok(());
        }
        let guard = &self.recipe.reach.guard;
        match guard.deny(NAME, &self.name, &"granted for reading only", request) {
            Verdict::Refused => Err(Refusal::AccessDenied),
            Verdict::Audited => Ok(()),
        }
    }

    /// Tells the operator what only they can mend.
    pub fn report(&self, error: &StoreError, request: RequestId) {
        if let Some(unreported) = self.recipe.reach.store_alarm.raise(error) {
            tracing::warn!(
                component = %self.recipe.component, version = %self.recipe.version,
                request_id = %request, store = %self.name, unreported, %error,
                "a store did not do what a guest asked"
            );
        }
    }
}
