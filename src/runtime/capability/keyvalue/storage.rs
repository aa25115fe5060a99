//! `airssys:core/storage@1.0.0`: each call names its store.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Result;

use super::bucket::Opened;
use super::{Refusal, Visit};
use crate::core::Key;
use crate::runtime::bindings::core::errors::StorageError;
use crate::runtime::bindings::core::storage::{Host, KeyPage, StoreUsage};
use crate::runtime::guest::Guest;

type Answer<T> = Result<std::result::Result<T, StorageError>>;

/// Bytes of a prefix: no key is longer.
const PREFIX: usize = 1024;

impl Guest {
    fn visit_store(&self, name: &str) -> std::result::Result<Visit, Refusal> {
        Ok(Visit {
            opened: Arc::new(Opened::open(self, name)?),
            request: self.origin().id,
        })
    }
}

async fn list(
    visit: &Visit,
    prefix: &str,
    cursor: Option<String>,
    limit: u32,
) -> std::result::Result<KeyPage, Refusal> {
    // What is no key was never handed out.
    let after = cursor.map(|cursor| cursor.parse::<Key>()).transpose()?;
    let after = after.as_ref().map(Key::as_str);
    if prefix.len() > PREFIX {
        return Ok(KeyPage {
            keys: Vec::new(),
            cursor: None,
        });
    }
    let page = visit.keys(prefix, after, limit as usize).await?;
    let keys: Vec<_> = page.keys.iter().map(ToString::to_string).collect();
    // Who asks for no keys comes no further.
    let last = keys.last().map(String::as_str).or(after);
    let cursor = last.filter(|_| page.more).map(str::to_owned);
    Ok(KeyPage { keys, cursor })
}

/// Ends a call early with its refusal.
macro_rules! told {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal.into())),
        }
    };
}

impl Host for Guest {
    async fn get(&mut self, store: String, key: String) -> Answer<Option<Vec<u8>>> {
        let visit = told!(self.visit_store(&store));
        let stored = told!(visit.get(&key).await);
        Ok(Ok(stored.map(|it| it.value.into())))
    }

    async fn set(
        &mut self,
        store: String,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> Answer<()> {
        let visit = told!(self.visit_store(&store));
        let ttl = ttl_ms.map(Duration::from_millis);
        told!(visit.set(&key, value, ttl).await);
        Ok(Ok(()))
    }

    async fn delete(&mut self, store: String, key: String) -> Answer<bool> {
        let visit = told!(self.visit_store(&store));
        Ok(Ok(told!(visit.delete(&key).await)))
    }

    async fn exists(&mut self, store: String, key: String) -> Answer<bool> {
        let visit = told!(self.visit_store(&store));
        Ok(Ok(told!(visit.get(&key).await).is_some()))
    }

    async fn list(
        &mut self,
        store: String,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Answer<KeyPage> {
        let visit = told!(self.visit_store(&store));
        Ok(Ok(told!(list(&visit, &prefix, cursor, limit).await)))
    }

    async fn usage(&mut self, store: String) -> Answer<StoreUsage> {
        let visit = told!(self.visit_store(&store));
        let (usage, quota) = told!(visit.usage().await);
        Ok(Ok(StoreUsage {
            bytes: usage.bytes,
            keys: usage.keys,
            max_bytes: quota.bytes.0,
            max_keys: quota.keys,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{KvAccess, StoreError};
    use crate::runtime::capability::keyvalue::testing::*;

    async fn set(guest: &mut Guest, key: &str) -> std::result::Result<(), StorageError> {
        let set = guest.set("default".into(), key.into(), b"1".into(), Some(u64::MAX));
        set.await.unwrap()
    }

    async fn page(guest: &mut Guest, prefix: &str, cursor: Option<&str>, limit: u32) -> KeyPage {
        let cursor = cursor.map(str::to_owned);
        let page = guest.list("default".into(), prefix.into(), cursor, limit);
        page.await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn keys_are_listed_by_their_beginning_page_by_page() {
        let mut guest = trusted(&Arc::default());
        for key in ["a/1", "a/2", "a/3", "b"] {
            set(&mut guest, key).await.unwrap();
        }
        let first = page(&mut guest, "a/", None, 2).await;
        assert_eq!(first.keys, ["a/1", "a/2"]);
        let second = page(&mut guest, "a/", first.cursor.as_deref(), 2).await;
        assert_eq!(
            (&*second.keys, second.cursor),
            (&["a/3".to_owned()][..], None)
        );
        assert!(
            page(&mut guest, &"a".repeat(1 << 20), None, 2)
                .await
                .keys
                .is_empty()
        );
    }

    #[tokio::test]
    async fn who_deletes_hears_whether_there_was_such_a_key() {
        let mut guest = trusted(&Arc::default());
        set(&mut guest, "a").await.unwrap();
        for there in [true, false] {
            let deleted = Host::delete(&mut guest, "default".into(), "a".into()).await;
            assert_eq!(deleted.unwrap().unwrap(), there);
        }
    }

    #[tokio::test]
    async fn usage_is_told_with_its_bounds() {
        let mut guest = trusted(&Arc::default());
        set(&mut guest, "key").await.unwrap();
        let usage = guest.usage("default".into()).await.unwrap().unwrap();
        assert_eq!((usage.bytes, usage.keys), (4, 1));
        assert_eq!((usage.max_bytes, usage.max_keys), (64 << 20, 100_000));
    }

    #[tokio::test]
    async fn every_refusal_has_a_case_of_its_own() {
        let shelf = Arc::<Shelf>::default();
        let mut guest = instance("cart", &shelf, grants(KvAccess::Read));
        assert!(matches!(
            set(&mut guest, "a").await,
            Err(StorageError::AccessDenied)
        ));
        let other = guest.exists("other".into(), "a".into()).await.unwrap();
        assert!(matches!(other, Err(StorageError::NoSuchStore)));
        let mut guest = trusted(&shelf);
        assert!(matches!(
            set(&mut guest, "a\n").await,
            Err(StorageError::InvalidKey(_))
        ));
        shelf.fail(StoreError::QuotaKeys { limit: 1 });
        assert!(matches!(
            set(&mut guest, "a").await,
            Err(StorageError::QuotaExceeded(_))
        ));
        shelf.fail(StoreError::Busy);
        let Err(StorageError::Unavailable(text)) = set(&mut guest, "a").await else {
            panic!("it was written");
        };
        assert!(text.starts_with("unavailable"), "{text}");
        shelf.fail(StoreError::Unknown("the disk failed".into()));
        let Err(StorageError::Unavailable(text)) = set(&mut guest, "a").await else {
            panic!("it is known");
        };
        assert!(text.starts_with("unknown: it is not known"), "{text}");
    }
}
