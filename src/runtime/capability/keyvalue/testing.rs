//! For tests: a store in memory that fails when it is told to, and guests that are granted it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use crate::core::{
    BusAnswer, BusFuture, MessageHandler, PublishError, Receipt, RequestError, RequestOptions,
    Spread, SubscribeError, Subscription, Unsubscribe,
};
use crate::core::{
    ComponentName, GrantMode, Grants, Inspection, Key, KeyPage, KvAccess, KvStore, Message,
    MessageBus, Quota, Revision, StoreBackend, StoreError, StoreFuture, StoreName, Stored, Stores,
    Swap, Usage, Write,
};
use crate::runtime::capability::testing;
use crate::runtime::guest::Guest;
use crate::security::{AuditKind, AuditQuery};

/// A store in memory; only what guests can ask for.
#[derive(Default)]
pub(super) struct Shelf(Mutex<State>);

#[derive(Default)]
struct State {
    values: BTreeMap<(ComponentName, Key), (Bytes, u64)>,
    writes: u64,
    reads: usize,
    failure: Option<StoreError>,
}

impl State {
    fn get(&mut self, space: &ComponentName, key: &Key) -> Option<Stored> {
        self.reads += 1;
        let (value, revision) = self.values.get(&(space.clone(), key.clone()))?;
        Some(Stored {
            value: value.clone(),
            revision: Revision(*revision),
            expires: None,
        })
    }

    fn set(&mut self, space: &ComponentName, key: &Key, value: Bytes) -> Revision {
        self.writes += 1;
        let at = (space.clone(), key.clone());
        self.values.insert(at, (value, self.writes));
        Revision(self.writes)
    }
}

impl Shelf {
    pub fn fail(&self, failure: StoreError) {
        self.0.lock().unwrap().failure = Some(failure);
    }

    /// Values that were asked for.
    pub fn reads(&self) -> usize {
        self.0.lock().unwrap().reads
    }

    /// Values that were written.
    pub fn writes(&self) -> u64 {
        self.0.lock().unwrap().writes
    }

    fn act<'a, T: Send + 'a>(
        &'a self,
        act: impl FnOnce(&mut State) -> Result<T, StoreError> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let mut state = self.0.lock().unwrap();
            match state.failure.clone() {
                Some(failure) => Err(failure),
                None => act(&mut state),
            }
        })
    }
}

impl KvStore for Shelf {
    fn backend(&self) -> StoreBackend {
        StoreBackend::Memory
    }

    fn quota(&self) -> Quota {
        Quota::default()
    }

    fn get<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
    ) -> StoreFuture<'a, Option<Stored>> {
        self.act(move |state| Ok(state.get(space, key)))
    }

    fn get_many<'a>(
        &'a self,
        space: &'a ComponentName,
        keys: &'a [Key],
    ) -> StoreFuture<'a, Vec<Option<Stored>>> {
        self.act(move |state| Ok(keys.iter().map(|key| state.get(space, key)).collect()))
    }

    fn write<'a>(&'a self, space: &'a ComponentName, writes: Vec<Write>) -> StoreFuture<'a, u64> {
        self.act(move |state| {
            let mut gone = 0;
            for write in writes {
                match write {
                    Write::Set { key, value, .. } => drop(state.set(space, &key, value)),
                    Write::Delete { key } => {
                        let old = state.values.remove(&(space.clone(), key));
                        gone += u64::from(old.is_some());
                    }
                }
            }
            Ok(gone)
        })
    }

    fn add<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        delta: i64,
        least: i64,
    ) -> StoreFuture<'a, i64> {
        self.act(move |state| {
            let old = state.get(space, key).map(|it| it.value.to_vec());
            let old = old.map_or(Ok(0), |old| {
                let text = String::from_utf8(old).map_err(|_| StoreError::NotANumber)?;
                text.parse::<i64>().map_err(|_| StoreError::NotANumber)
            });
            let sum = old?.checked_add(delta).filter(|sum| *sum >= least);
            let sum = sum.ok_or(StoreError::Overflow)?;
            state.set(space, key, sum.to_string().into());
            Ok(sum)
        })
    }

    fn swap<'a>(
        &'a self,
        space: &'a ComponentName,
        key: &'a Key,
        expected: Option<Revision>,
        value: Bytes,
        _ttl: Option<Duration>,
    ) -> StoreFuture<'a, Swap> {
        self.act(move |state| {
            let now = state.get(space, key);
            match now.as_ref().map(|it| it.revision) == expected {
                true => Ok(Swap::Swapped(state.set(space, key, value))),
                false => Ok(Swap::Changed(now)),
            }
        })
    }

    fn keys<'a>(
        &'a self,
        space: &'a ComponentName,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> StoreFuture<'a, KeyPage> {
        self.act(move |state| {
            let of_space = state.values.keys().filter(|(owner, _)| owner == space);
            let mut matching = of_space
                .map(|(_, key)| key)
                .filter(|key| key.as_str().starts_with(prefix))
                .filter(|key| after.is_none_or(|after| key.as_str() > after));
            let keys = matching.by_ref().take(limit).cloned().collect();
            let more = matching.next().is_some();
            Ok(KeyPage { keys, more })
        })
    }

    fn usage<'a>(&'a self, space: &'a ComponentName) -> StoreFuture<'a, Usage> {
        self.act(move |state| {
            let of_space = state.values.iter().filter(|((owner, _), _)| owner == space);
            let mut usage = Usage::default();
            for ((_, key), (value, _)) in of_space {
                usage.bytes += (key.as_str().len() + value.len()) as u64;
                usage.keys += 1;
            }
            Ok(usage)
        })
    }

    fn spaces(&self) -> StoreFuture<'_, Vec<(ComponentName, Usage)>> {
        unreachable!("no guest asks for it")
    }
}

struct Shelves(StoreName, Arc<Shelf>);

impl Stores for Shelves {
    fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>> {
        (*name == self.0).then(|| self.1.clone() as Arc<dyn KvStore>)
    }

    fn names(&self) -> Vec<StoreName> {
        vec![self.0.clone()]
    }
}

/// Guests of stores need no bus.
struct NoBus;

impl MessageBus for NoBus {
    fn publish(&self, _: Message, _: Spread) -> BusFuture<'_, Receipt, PublishError> {
        unreachable!("nothing is sent")
    }

    fn request(&self, _: Message, _: RequestOptions) -> BusFuture<'_, Vec<Message>, RequestError> {
        unreachable!("nothing is sent")
    }

    fn subscribe(
        &self,
        _: Subscription,
        _: Arc<dyn MessageHandler>,
    ) -> BusFuture<'_, Unsubscribe, SubscribeError> {
        unreachable!("nobody listens")
    }

    fn inspect(&self) -> BusAnswer<'_, Inspection> {
        Box::pin(async { Inspection::default() })
    }

    fn drain(&self) -> BusAnswer<'_, ()> {
        Box::pin(async {})
    }
}

/// Grants of `default`, which is there, and `missing`, which is not.
pub(super) fn grants(access: KvAccess) -> Grants {
    let names = ["default", "missing"].map(|name| (name.parse().unwrap(), access));
    Grants {
        keyvalue: names.into(),
        ..Grants::default()
    }
}

/// Nothing is granted, and everything is let through.
pub(super) fn audited() -> Grants {
    Grants {
        mode: GrantMode::Audit,
        ..Grants::default()
    }
}

/// An instance of `component` with a `default` store on this shelf.
pub(super) fn instance(component: &str, shelf: &Arc<Shelf>, grants: Grants) -> Guest {
    let services = testing::services();
    let stores = Shelves("default".parse().unwrap(), shelf.clone());
    services.connect(Arc::new(NoBus), Arc::new(stores));
    testing::guest(component, services, grants)
}

/// An instance that may do everything.
pub(super) fn trusted(shelf: &Arc<Shelf>) -> Guest {
    instance("cart", shelf, grants(KvAccess::ReadWrite))
}

/// The stores whose use was reported as this.
pub(super) fn reported(guest: &Guest, kind: AuditKind) -> Vec<String> {
    let query = AuditQuery {
        kind: Some(kind),
        ..AuditQuery::default()
    };
    let trail = guest.recipe().reach.services.trail();
    let events = trail.query(&query).into_iter();
    events
        .filter(|event| event.capability.as_deref() == Some("keyvalue"))
        .map(|event| event.target)
        .collect()
}
