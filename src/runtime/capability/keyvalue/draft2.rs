//! `wasi:keyvalue@0.2.0-draft2`.

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource};

use super::cas::Swapped;
use super::visit::{Entries, KEYS};
use super::{Bucket, Cas, Refusal};
use crate::core::Key;
use crate::runtime::guest::Guest;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue-draft2.wit",
        world: "imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::runtime::capability::keyvalue::Bucket,
            "wasi:keyvalue/atomics.cas": crate::runtime::capability::keyvalue::Cas,
        },
    });
}

use bindings::wasi::keyvalue::atomics::{self, CasError};
use bindings::wasi::keyvalue::batch;
use bindings::wasi::keyvalue::store::{self, Error, KeyResponse};

type Answer<T> = Result<std::result::Result<T, Error>>;

pub(super) fn link(linker: &mut Linker<Guest>) -> Result<()> {
    store::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    atomics::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    batch::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchStore => Self::NoSuchStore,
            Refusal::AccessDenied => Self::AccessDenied,
            other => Self::Other(other.text()),
        }
    }
}

fn told<T>(result: std::result::Result<T, Refusal>) -> Answer<T> {
    Ok(result.map_err(Error::from))
}

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        told(self.open_bucket(&identifier)?)
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let stored = self.visit(&bucket)?.get(&key).await;
        told(stored.map(|stored| stored.map(|it| it.value.into())))
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        told(self.visit(&bucket)?.set(&key, value, None).await)
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        told(self.visit(&bucket)?.delete(&key).await.map(drop))
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let stored = self.visit(&bucket)?.get(&key).await;
        told(stored.map(|stored| stored.is_some()))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Answer<KeyResponse> {
        let visit = self.visit(&bucket)?;
        let list = async {
            // What is no key was never handed out.
            let after = cursor.map(|cursor| cursor.parse::<Key>()).transpose()?;
            let page = visit.keys("", after.as_ref().map(Key::as_str), KEYS);
            let page = page.await?;
            let keys: Vec<_> = page.keys.iter().map(ToString::to_string).collect();
            let cursor = keys.last().filter(|_| page.more).cloned();
            Ok(KeyResponse { keys, cursor })
        };
        told(list.await)
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        self.table().delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Answer<i64> {
        told(self.visit(&bucket)?.add(&key, delta, i64::MIN).await)
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> Result<std::result::Result<(), CasError>> {
        Ok(match self.swap_cas(cas, value).await? {
            Ok(Swapped::Done) => Ok(()),
            Ok(Swapped::Failed(now)) => Err(CasError::CasFailed(now)),
            Err(refusal) => Err(CasError::StoreError(refusal.into())),
        })
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        let visit = self.visit(&bucket)?;
        told(self.read_cas(visit, &key).await?)
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        let value = &self.table().get(&cas)?.value;
        Ok(Ok(value.as_ref().map(|value| value.to_vec())))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> Result<()> {
        self.release_cas(cas)?;
        Ok(())
    }
}

impl batch::Host for Guest {
    async fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<Entries> {
        told(self.visit(&bucket)?.get_many(keys).await)
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Answer<()> {
        told(self.visit(&bucket)?.set_many(entries).await)
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        told(self.visit(&bucket)?.delete_many(keys).await)
    }
}

#[cfg(test)]
mod tests;
