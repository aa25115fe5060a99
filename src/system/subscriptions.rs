//! Which component gets which messages: brought up to date with every configuration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;

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

#[derive(Default)]
struct Held {
    subscriptions: Vec<Subscribed>,
    /// What is begun from now on ends at once.
    has_ended: bool,
}

struct Subscribed {
    component: ComponentName,
    spec: SubscriptionSpec,
    until: Unsubscribe,
}

impl Subscriptions {
    pub fn new(bus: Arc<dyn MessageBus>, directory: Arc<Directory>) -> Self {
        Self {
            bus,
            directory,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what is new and ends what is gone; what stays keeps its queue. New ones begin
    /// first: a message that comes meanwhile may be handled twice, and is not lost. To be called
    /// again only when it has returned.
    ///
    /// # Errors
    /// One of them cannot be had. The others are there.
    pub async fn follow(&self, config: &Config) -> Result<(), SubscribeError> {
        let missing = self.held().missing(config);
        let (mut begun, mut result) = (Vec::new(), Ok(()));
        for (component, spec) in missing {
            match self.begin(component, spec).await {
                Ok(subscribed) => begun.push(subscribed),
                Err(error) => result = Err(error),
            }
        }
        let gone = self.held().exchange(config, begun);
        end_all(gone).await;
        result
    }

    async fn begin(
        &self,
        component: ComponentName,
        spec: SubscriptionSpec,
    ) -> Result<Subscribed, SubscribeError> {
        let subscription = Subscription {
            subscriber: component.as_str().into(),
            spec: spec.clone(),
        };
        let receiver = Receiver::new(self.directory.clone(), component.clone());
        let until = self.bus.subscribe(subscription, receiver).await?;
        Ok(Subscribed {
            component,
            spec,
            until,
        })
    }

    /// Ends all of them, and waits for that; what waits in them is still handled.
    pub async fn end(&self) {
        let all = self.take();
        end_all(all).await;
    }

    /// As [`Subscriptions::end`], and waits for nobody.
    pub fn abandon(&self) {
        drop(self.take());
    }

    fn take(&self) -> Vec<Subscribed> {
        let mut held = self.held();
        held.has_ended = true;
        std::mem::take(&mut held.subscriptions)
    }
}

async fn end_all(subscriptions: Vec<Subscribed>) {
    join_all(subscriptions.into_iter().map(|it| it.until.end())).await;
}

impl Held {
    fn missing(&self, config: &Config) -> Vec<(ComponentName, SubscriptionSpec)> {
        let mut wanted = Wanted::by(config);
        for held in &self.subscriptions {
            wanted.strike(held);
        }
        let missing = wanted.0.into_iter();
        let each = missing.flat_map(|(name, specs)| specs.into_iter().map(move |it| (name, it)));
        each.map(|(name, spec)| (name.clone(), spec.clone()))
            .collect()
    }

    /// Takes in what has begun, and answers with what is to be ended.
    fn exchange(&mut self, config: &Config, mut begun: Vec<Subscribed>) -> Vec<Subscribed> {
        if self.has_ended {
            return begun;
        }
        let mut wanted = Wanted::by(config);
        let held = std::mem::take(&mut self.subscriptions).into_iter();
        let (stay, gone) = held.partition(|it| wanted.strike(it));
        self.subscriptions = stay;
        self.subscriptions.append(&mut begun);
        gone
    }
}

/// Several of one component may be alike: each of them gets its copy.
struct Wanted<'a>(BTreeMap<&'a ComponentName, Vec<&'a SubscriptionSpec>>);

impl<'a> Wanted<'a> {
    fn by(config: &'a Config) -> Self {
        let components = config.components.values();
        let wanted = components.map(|it| (&it.name, it.subscriptions.iter().collect()));
        Self(wanted.collect())
    }

    /// Whether it is one of them; it is not any more.
    fn strike(&mut self, held: &Subscribed) -> bool {
        let Some(specs) = self.0.get_mut(&held.component) else {
            return false;
        };
        let place = specs.iter().position(|it| **it == held.spec);
        place.map(|place| specs.remove(place)).is_some()
    }
}
