//! The bus of one process, as everybody meets it.
//!
//! Sending takes no lock that subscribing holds: who gets what is one immutable table that is
//! swapped. Bounded by its subscriptions, and each of those by its queue.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use super::activity::Activity;
use super::caused::Caused;
use super::chance;
use super::dead_letters::Letters;
use super::inboxes::Inboxes;
use super::listener::Listener;
use super::route::Routes;
use super::warnings::Warnings;
use crate::core::{
    BusAnswer, BusFuture, BusObserver, BusSpec, Inspection, Message, MessageBus, MessageHandler,
    PublishError, Receipt, RequestError, RequestOptions, Spread, SubscribeError, Subscription,
    Unsubscribe,
};

/// Subscriptions at once.
pub const MOST_SUBSCRIPTIONS: usize = 10_000;

/// Carries messages within this process.
pub struct LocalBus {
    pub(super) me: Weak<Self>,
    pub(super) spec: ArcSwap<BusSpec>,
    pub(super) runtime: Handle,
    pub(super) observer: Arc<dyn BusObserver>,
    pub(super) activity: Arc<Activity>,
    pub(super) routes: ArcSwap<Routes>,
    pub(super) inboxes: Arc<Inboxes>,
    pub(super) letters: Letters,
    pub(super) caused: Caused,
    pub(super) warnings: Warnings,
    pub(super) hasher: RandomState,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    listeners: BTreeMap<u64, Arc<Listener>>,
    /// Those that take nothing new and still have something to do.
    leaving: Vec<Weak<Listener>>,
    number: u64,
}

impl LocalBus {
    /// Handlers run on `runtime`, whose timers must be enabled.
    pub fn new(spec: BusSpec, runtime: Handle, observer: Arc<dyn BusObserver>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            spec: ArcSwap::from_pointee(spec),
            runtime,
            observer,
            activity: Arc::default(),
            routes: ArcSwap::default(),
            inboxes: Arc::new(Inboxes::new(chance::secret())),
            letters: Letters::default(),
            caused: Caused::default(),
            warnings: Warnings::default(),
            hasher: RandomState::new(),
            registry: Mutex::default(),
        })
    }

    /// Messages from now on follow another policy; subscriptions stay.
    pub fn set_spec(&self, spec: BusSpec) {
        self.spec.store(Arc::new(spec));
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(
        &self,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
    ) -> Result<Arc<Listener>, SubscribeError> {
        let mut registry = self.registry();
        if self.activity.is_draining() {
            return Err(SubscribeError::Draining);
        }
        if registry.listeners.len() + registry.leaving.len() >= MOST_SUBSCRIPTIONS {
            registry.forget_idle();
        }
        let count = registry.listeners.len() + registry.leaving.len();
        if count >= MOST_SUBSCRIPTIONS {
            return Err(SubscribeError::TooMany(count));
        }
        registry.number += 1;
        let id = registry.number;
        let listener = Arc::new(Listener::new(id, subscription, handler, self));
        registry.listeners.insert(id, listener.clone());
        self.routes
            .store(Arc::new(self.routes.load().with(&listener)));
        Ok(listener)
    }

    fn leave(&self, listener: &Arc<Listener>) {
        let mut registry = self.registry();
        registry.listeners.remove(&listener.id);
        self.routes
            .store(Arc::new(self.routes.load().without(listener)));
        listener.close();
        registry.forget_idle();
        if !listener.is_idle() {
            registry.leaving.push(Arc::downgrade(listener));
        }
    }

    /// The one that a letter came from, or the same subscription made anew.
    pub(super) fn listener_like(
        &self,
        former: &Weak<Listener>,
        subscription: &Subscription,
    ) -> Option<Arc<Listener>> {
        let registry = self.registry();
        let is_meant = |listener: &&Arc<Listener>| {
            let (it, spec) = (&listener.subscription, &subscription.spec);
            let is_same = it.spec.topic == spec.topic && it.spec.group == spec.group;
            it.subscriber == subscription.subscriber && is_same
        };
        let former = former.upgrade();
        former
            .filter(|former| registry.listeners.contains_key(&former.id))
            .or_else(|| registry.listeners.values().find(is_meant).cloned())
    }

    fn standing(&self) -> Inspection {
        let listeners = self.registry().with_leaving();
        Inspection {
            backend: "local",
            subscriptions: listeners.iter().map(|it| it.state()).collect(),
            requests: self.inboxes.count(),
            dead: self.letters.count(),
        }
    }

    fn start_drain(&self) {
        let registry = self.registry();
        self.activity.start_drain();
        for listener in registry.with_leaving() {
            listener.drain();
        }
    }
}

impl Registry {
    /// Those that take messages, and then those that have some left.
    fn with_leaving(&self) -> Vec<Arc<Listener>> {
        let leaving = self.leaving.iter().filter_map(Weak::upgrade);
        let leaving = leaving.filter(|it| !it.is_idle());
        self.listeners.values().cloned().chain(leaving).collect()
    }

    fn forget_idle(&mut self) {
        let is_busy = |it: &Weak<Listener>| it.upgrade().is_some_and(|it| !it.is_idle());
        self.leaving.retain(is_busy);
    }
}

impl MessageBus for LocalBus {
    fn publish(&self, message: Message, spread: Spread) -> BusFuture<'_, Receipt, PublishError> {
        Box::pin(async move { self.send(message, spread) })
    }

    fn request(
        &self,
        message: Message,
        options: RequestOptions,
    ) -> BusFuture<'_, Vec<Message>, RequestError> {
        Box::pin(self.ask(message, options))
    }

    fn subscribe(
        &self,
        subscription: Subscription,
        handler: Arc<dyn MessageHandler>,
    ) -> BusFuture<'_, Unsubscribe, SubscribeError> {
        Box::pin(async move {
            let listener = self.listen(subscription, handler)?;
            let bus = self.me.clone();
            Ok(Unsubscribe::by(move || match bus.upgrade() {
                Some(bus) => bus.leave(&listener),
                None => listener.close(),
            }))
        })
    }

    fn inspect(&self) -> BusAnswer<'_, Inspection> {
        Box::pin(async { self.standing() })
    }

    fn drain(&self) -> BusAnswer<'_, ()> {
        Box::pin(async {
            self.start_drain();
            self.activity.idle().await;
        })
    }
}
