//! Handles of `atomics.cas`: a value as it was read. What the handles of one instance hold is
//! bounded, since a value stays in memory with its handle after the store has forgotten it.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTableError};

use super::bucket::Opened;
use super::{Refusal, Visit};
use crate::core::{ByteSize, Key, Revision, Stored, Swap};
use crate::runtime::guest::Guest;

/// Bytes of values behind the handles of one instance.
const HELD: ByteSize = ByteSize(16 << 20);

/// `cas`: the value of a key as it was read.
pub struct Cas {
    opened: Arc<Opened>,
    key: Key,
    revision: Option<Revision>,
    pub(super) value: Option<Bytes>,
}

/// How a swap ended for the guest.
pub(super) enum Swapped {
    Done,
    /// Somebody else was faster.
    Failed(Resource<Cas>),
}

impl Cas {
    fn new(opened: Arc<Opened>, key: Key, stored: Option<Stored>) -> Self {
        let (revision, value) = stored.map(|it| (it.revision, it.value)).unzip();
        Self {
            opened,
            key,
            revision,
            value,
        }
    }

    fn size(&self) -> u64 {
        self.value.as_ref().map_or(0, |value| value.len() as u64)
    }
}

impl Guest {
    pub(super) async fn read_cas(
        &mut self,
        visit: Visit,
        key: &str,
    ) -> wasmtime::Result<Result<Resource<Cas>, Refusal>> {
        let read = async {
            let key = key.parse()?;
            let stored = visit.read(&key).await?;
            Ok((key, stored))
        };
        match read.await {
            Ok((key, stored)) => self.hold_cas(Cas::new(visit.opened, key, stored)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    pub(super) async fn swap_cas(
        &mut self,
        handle: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<Swapped, Refusal>> {
        let request = self.origin().id;
        let Cas {
            opened,
            key,
            revision,
            ..
        } = self.release_cas(handle)?;
        let visit = Visit { opened, request };
        match visit.swap(&key, revision, value).await {
            Ok(Swap::Swapped(_)) => Ok(Ok(Swapped::Done)),
            Ok(Swap::Changed(now)) => {
                let handle = self.hold_cas(Cas::new(visit.opened, key, now))?;
                Ok(handle.map(Swapped::Failed))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn hold_cas(&mut self, cas: Cas) -> wasmtime::Result<Result<Resource<Cas>, Refusal>> {
        let held = self.stores.held + cas.size();
        if held > HELD.0 {
            return Ok(Err(Refusal::Handles(HELD)));
        }
        let handle = self.table().push(cas)?;
        self.stores.held = held;
        Ok(Ok(handle))
    }

    pub(super) fn release_cas(&mut self, handle: Resource<Cas>) -> Result<Cas, ResourceTableError> {
        let cas = self.table().delete(handle)?;
        self.stores.held -= cas.size();
        Ok(cas)
    }
}
