//! Which component gets which messages: brought up to date with every configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::core::{
    ComponentName, MessageBus, SubscribeError, Subscription, SubscriptionSpec, Unsubscribe,
};
use crate::lifecycle::{Directory, Receiver};

/// The subscriptions of all components.
pub(crate) struct Subscriptions {
    bus: Arc<dyn MessageBus>,
    directory: Arc<Directory>,
    held: Mutex<Held>,
}

/// Several of one component may be alike: each of them gets its copy.
type Held = Vec<(ComponentName, SubscriptionSpec, Unsubscribe)>;

impl Subscriptions {
    pub fn new(bus: Arc<dyn MessageBus>, directory: Arc<Directory>) -> Self {
        Self {
            bus,
            directory,
            held: Mutex::default(),
        }
    }

    /// Begins what is new and ends what is gone; what stays keeps its queue. New ones begin
    /// first: a message that comes meanwhile may be handled twice, and is not lost.
    ///
    /// # Errors
    /// One of them cannot be had. The others are there.
    pub fn follow(&self, config: &Config) -> Result<(), SubscribeError> {
        let mut wanted: BTreeMap<&ComponentName, Vec<&SubscriptionSpec>> = BTreeMap::new();
        for spec in config.components.values() {
            wanted.insert(&spec.name, spec.subscriptions.iter().collect());
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = std::mem::take(&mut *held);
        let stays = |(name, spec, _): &mut (ComponentName, SubscriptionSpec, Unsubscribe)| {
            let Some(wanted) = wanted.get_mut(name) else {
                return false;
            };
            let place = wanted.iter().position(|it| *it == spec);
            place.map(|place| wanted.remove(place)).is_some()
        };
        let mut next: Held = gone.extract_if(.., stays).collect();
        let mut result = Ok(());
        for (name, specs) in wanted {
            for spec in specs {
                match self.begin(name, spec) {
                    Ok(end) => next.push((name.clone(), spec.clone(), end)),
                    Err(error) => result = Err(error),
                }
            }
        }
        *held = next;
        result
    }

    fn begin(
        &self,
        name: &ComponentName,
        spec: &SubscriptionSpec,
    ) -> Result<Unsubscribe, SubscribeError> {
        let subscription = Subscription {
            subscriber: name.as_str().into(),
            spec: spec.clone(),
        };
        let receiver = Receiver::new(self.directory.clone(), name.clone());
        self.bus.subscribe(subscription, receiver)
    }

    /// Ends all of them; what waits is still handled.
    pub fn end(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        drop(held);
    }
}
