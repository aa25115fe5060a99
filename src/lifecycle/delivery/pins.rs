//! Artifacts that are in the vault and not yet in the journal: collection leaves them alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::Digest;

#[derive(Default)]
pub(super) struct Pins(Mutex<HashMap<Digest, usize>>);

impl Pins {
    /// Until what is returned is dropped.
    pub fn pin(&self, digest: Digest) -> Pin<'_> {
        *self.lock().entry(digest).or_default() += 1;
        Pin { pins: self, digest }
    }

    pub fn all(&self) -> Vec<Digest> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Pin<'a> {
    pins: &'a Pins,
    digest: Digest,
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let mut pins = self.pins.lock();
        if let Some(count) = pins.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.digest);
            }
        }
    }
}

/// Whether a configuration is being prepared: whatever it has fetched may be named soon.
#[derive(Default)]
pub(super) struct Preparing(Arc<()>);

/// Held as long as it is prepared.
pub(super) struct Preparation(#[expect(dead_code, reason = "counted, not read")] Arc<()>);

impl Preparing {
    pub fn begin(&self) -> Preparation {
        Preparation(self.0.clone())
    }

    pub fn is_under_way(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}
