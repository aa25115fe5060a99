//! `wasi:keyvalue@0.2.0-draft`: cursors are numbers, sums have no sign, and nothing is swapped.

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource};

use super::visit::{Entries, KEYS};
use super::{Bucket, Refusal, Visit, cursor};
use crate::core::{Key, StoreError};
use crate::runtime::guest::Guest;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue-draft.wit",
        world: "imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::runtime::capability::keyvalue::Bucket,
        },
    });
}

use bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use bindings::wasi::keyvalue::{atomics, batch};

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

impl Guest {
    async fn list(
        &mut self,
        visit: &Visit,
        cursor: Option<u64>,
    ) -> std::result::Result<KeyResponse, Refusal> {
        let after = match cursor {
            Some(cursor) => Some(match self.stores.cursors.find(cursor) {
                Some(key) => key,
                None => cursor::search(visit, cursor).await?,
            }),
            None => None,
        };
        let page = visit.keys("", after.as_ref().map(Key::as_str), KEYS);
        let page = page.await?;
        let last = page.keys.last().filter(|_| page.more);
        Ok(KeyResponse {
            cursor: last.map(|key| self.stores.cursors.after(key)),
            keys: page.keys.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Stores count with a sign; a sum below nothing is not for this draft, and never written.
async fn increment(visit: &Visit, key: &str, delta: u64) -> std::result::Result<u64, Refusal> {
    let delta = i64::try_from(delta).map_err(|_| StoreError::Overflow)?;
    let sum = visit.add(key, delta, 0).await?;
    u64::try_from(sum).map_err(|_| StoreError::Overflow.into())
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
        cursor: Option<u64>,
    ) -> Answer<KeyResponse> {
        let visit = self.visit(&bucket)?;
        told(self.list(&visit, cursor).await)
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
        delta: u64,
    ) -> Answer<u64> {
        told(increment(&self.visit(&bucket)?, &key, delta).await)
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
mod tests {
    use std::sync::Arc;

    use super::atomics::Host as _;
    use super::store::{Host as _, HostBucket as _};
    use super::*;
    use crate::runtime::capability::keyvalue::testing::*;

    async fn open(guest: &mut Guest) -> Resource<Bucket> {
        guest.open("default".into()).await.unwrap().unwrap()
    }

    async fn set(guest: &mut Guest, key: &str, value: &str) {
        let bucket = open(guest).await;
        let copy = Resource::new_own(bucket.rep());
        let set = guest.set(copy, key.into(), value.into()).await;
        set.unwrap().unwrap();
        store::HostBucket::drop(guest, bucket).await.unwrap();
    }

    async fn filled(shelf: &Arc<Shelf>) -> Guest {
        let mut guest = trusted(shelf);
        for n in 0..2_500 {
            set(&mut guest, &format!("{n:04}"), "").await;
        }
        guest
    }

    async fn page(guest: &mut Guest, cursor: Option<u64>) -> Result<KeyResponse, Error> {
        let bucket = open(guest).await;
        guest.list_keys(bucket, cursor).await.unwrap()
    }

    #[tokio::test]
    async fn every_bucket_and_instance_understands_a_cursor() {
        let shelf = Arc::default();
        let mut guest = filled(&shelf).await;
        let first = page(&mut guest, None).await.unwrap();
        let here = page(&mut guest, first.cursor).await.unwrap();
        let mut other = trusted(&shelf);
        let there = page(&mut other, first.cursor).await.unwrap();
        assert_eq!(there.keys[0], "1000");
        assert_eq!((&here.keys, here.cursor), (&there.keys, there.cursor));
        let last = page(&mut other, there.cursor).await.unwrap();
        assert_eq!((last.keys.len(), last.cursor), (500, None));
    }

    #[tokio::test]
    async fn a_listing_whose_keys_are_deleted_goes_on() {
        let mut guest = filled(&Arc::default()).await;
        let first = page(&mut guest, None).await.unwrap();
        let bucket = open(&mut guest).await;
        for key in first.keys {
            let copy = Resource::new_own(bucket.rep());
            guest.delete(copy, key).await.unwrap().unwrap();
        }
        let next = page(&mut guest, first.cursor).await.unwrap();
        assert_eq!(next.keys[0], "1000");
    }

    #[tokio::test]
    async fn a_cursor_that_nobody_gave_out_leads_nowhere() {
        let mut guest = filled(&Arc::default()).await;
        let Err(Error::Other(text)) = page(&mut guest, Some(7)).await else {
            panic!("it leads somewhere");
        };
        assert!(text.starts_with("invalid key: the cursor"), "{text}");
    }

    #[tokio::test]
    async fn a_sum_without_a_sign_neither_wraps_nor_sticks() {
        let shelf = Arc::<Shelf>::default();
        let mut guest = trusted(&shelf);
        for (value, delta, sum) in [
            ("1", 2, Some(3)),
            ("1", u64::MAX, None),
            ("1", i64::MAX as u64, None),
            ("-5", 2, None),
            ("-5", 5, Some(0)),
            ("-9223372036854775808", i64::MAX as u64, None),
        ] {
            set(&mut guest, "n", value).await;
            let before = shelf.writes();
            let bucket = open(&mut guest).await;
            let answer = guest.increment(bucket, "n".into(), delta).await.unwrap();
            assert_eq!(answer.as_ref().ok(), sum.as_ref(), "{value} + {delta}");
            // What is written and then taken back can be seen, and stays where the node dies.
            assert_eq!(shelf.writes() - before, u64::from(sum.is_some()));
            let bucket = open(&mut guest).await;
            let now = guest.get(bucket, "n".into()).await.unwrap().unwrap();
            let expected = sum.map_or(value.to_owned(), |sum| sum.to_string());
            assert_eq!(now.unwrap(), expected.into_bytes());
        }
    }
}
