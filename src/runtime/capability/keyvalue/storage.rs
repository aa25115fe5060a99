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
