//! What an instance remembers of its stores between two calls; all of it is bounded.

use wasmtime::component::{Resource, ResourceTableError};

use super::bucket::Opened;
use super::cursor::Cursors;
use super::{Bucket, Refusal, Visit};
use crate::runtime::guest::Guest;

#[derive(Default)]
pub(crate) struct StoreState {
    pub(super) cursors: Cursors,
    /// Bytes of values behind handles of `cas`.
    pub(super) held: u64,
}

impl Guest {
    pub(super) fn open_bucket(
        &mut self,
        name: &str,
    ) -> Result<Result<Resource<Bucket>, Refusal>, ResourceTableError> {
        match Opened::open(self, name) {
            Ok(opened) => Ok(Ok(self.table().push(Bucket(opened.into()))?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Begins a call at an open bucket.
    pub(super) fn visit(&mut self, bucket: &Resource<Bucket>) -> Result<Visit, ResourceTableError> {
        Ok(Visit {
            opened: self.table().get(bucket)?.0.clone(),
            request: self.origin().id,
        })
    }
}
