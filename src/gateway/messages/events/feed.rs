//! The subscription of a route with `events`: made once, kept for as long as the route has its
//! name and its pattern, over reloads and deploys. When it is dropped, its listeners go too.

use std::sync::Arc;

use super::ring::{Memory, Ring};
use crate::config::{Config, Target};
use crate::core::{
    ByteSize, Delivery, HandlerFuture, MessageBus, MessageHandler, Overflow, SubscribeError,
    Subscription, SubscriptionSpec, TopicPattern, Unsubscribe,
};
use crate::gateway::router::RouteError;

/// Messages that wait for the ring. More than it keeps: who falls out of the ring is told so,
/// and what falls out of the queue nobody notices.
const QUEUE: u32 = 16_384;
const QUEUE_BYTES: ByteSize = ByteSize(16 << 20);

/// The feeds of all routes.
#[derive(Clone, Default)]
pub(crate) struct Feeds(Vec<Arc<Feed>>);

impl Feeds {
    /// Those that a configuration asks for; those that are in `old` already are shared with it.
    ///
    /// # Errors
    /// There is no room for another subscription.
    pub async fn new(
        config: &Config,
        bus: &Arc<dyn MessageBus>,
        old: &Self,
    ) -> Result<Self, RouteError> {
        let mut feeds = Vec::new();
        for route in &config.routes {
            let Target::Events(pattern) = &route.target else {
                continue;
            };
            let feed = match old.find(&route.name, pattern) {
                Some(feed) => Ok(feed.clone()),
                None => Feed::open(&route.name, pattern, bus).await.map(Arc::new),
            };
            feeds.push(feed.map_err(|error| RouteError {
                route: route.name.clone(),
                reason: format!("cannot subscribe to `{pattern}`: {error}"),
            })?);
        }
        Ok(Self(feeds))
    }

    /// What a route's listeners read.
    pub fn ring(&self, route: &str, pattern: &TopicPattern) -> Option<&Arc<Ring>> {
        self.find(route, pattern).map(|feed| &feed.ring)
    }

    fn find(&self, route: &str, pattern: &TopicPattern) -> Option<&Arc<Feed>> {
        let mut feeds = self.0.iter();
        feeds.find(|feed| feed.route == route && feed.pattern == *pattern)
    }
}

/// A route's subscription.
struct Feed {
    route: String,
    pattern: TopicPattern,
    ring: Arc<Ring>,
    _subscription: Unsubscribe,
}

impl Feed {
    async fn open(
        route: &str,
        pattern: &TopicPattern,
        bus: &Arc<dyn MessageBus>,
    ) -> Result<Self, SubscribeError> {
        let ring = Ring::new(Memory::default());
        let subscription = Subscription {
            // No component has such a name.
            subscriber: format!("events:{route}").into(),
            spec: spec(pattern.clone()),
        };
        let appender = Arc::new(Appender(ring.clone()));
        Ok(Self {
            route: route.to_owned(),
            pattern: pattern.clone(),
            ring,
            _subscription: bus.subscribe(subscription, appender).await?,
        })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.ring.close();
    }
}

/// In order, once, and never in the way of who publishes.
fn spec(pattern: TopicPattern) -> SubscriptionSpec {
    use std::num::NonZeroU32;
    SubscriptionSpec {
        queue: const { NonZeroU32::new(QUEUE).unwrap() },
        queue_bytes: QUEUE_BYTES,
        overflow: Overflow::DropOldest,
        concurrency: NonZeroU32::MIN,
        attempts: NonZeroU32::MIN,
        ..SubscriptionSpec::to(pattern)
    }
}

/// Puts messages into the ring.
struct Appender(Arc<Ring>);

impl MessageHandler for Appender {
    fn handle(&self, delivery: Delivery) -> HandlerFuture {
        let ring = self.0.clone();
        Box::pin(async move {
            // A reply is for who asked.
            if !delivery.message.topic.is_internal() {
                ring.append(&delivery.message);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
