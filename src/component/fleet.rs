//! All instances of one version: a pool of those that are alike, or actors that are not.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::actor::Actors;
use super::maker::Maker;
use super::pool::Pool;
use super::supervisor::Supervisor;
use crate::core::{ComponentMetadata, Health, Instances};
use crate::monitoring::InstanceCounts;
use crate::runtime::{InvokeError, health, metadata};

/// All instances of one version.
#[derive(Clone)]
pub(crate) enum Fleet {
    Pool(Arc<Pool>),
    Actors(Arc<Actors>),
}

/// The same, for those who must not keep it alive.
pub(crate) enum WeakFleet {
    Pool(Weak<Pool>),
    Actors(Weak<Actors>),
}

impl WeakFleet {
    pub fn is_there(&self) -> bool {
        match self {
            Self::Pool(pool) => pool.strong_count() > 0,
            Self::Actors(actors) => actors.strong_count() > 0,
        }
    }

    pub fn upgrade(&self) -> Option<Fleet> {
        match self {
            Self::Pool(pool) => pool.upgrade().map(Fleet::Pool),
            Self::Actors(actors) => actors.upgrade().map(Fleet::Actors),
        }
    }
}

impl Fleet {
    pub fn new(maker: Maker, policy: Instances, supervisor: Weak<Supervisor>) -> Self {
        match policy.actor.clone() {
            Some(actor) => Self::Actors(Actors::new(maker, policy, actor, supervisor)),
            None => Self::Pool(Pool::new(maker, policy, supervisor)),
        }
    }

    pub fn downgrade(&self) -> WeakFleet {
        match self {
            Self::Pool(pool) => WeakFleet::Pool(Arc::downgrade(pool)),
            Self::Actors(actors) => WeakFleet::Actors(Arc::downgrade(actors)),
        }
    }

    /// Instances that can be made again when they are missed.
    pub fn dispensable(&self) -> u32 {
        match self {
            Self::Pool(pool) => pool.dispensable(),
            Self::Actors(actors) => actors.dispensable(),
        }
    }

    /// Gives up one of them. Answers whether there was one.
    pub async fn give_way(&self) -> bool {
        match self {
            Self::Pool(pool) => pool.give_way(),
            Self::Actors(actors) => actors.give_way().await,
        }
    }

    pub fn maker(&self) -> &Maker {
        match self {
            Self::Pool(pool) => pool.maker(),
            Self::Actors(actors) => actors.maker(),
        }
    }

    /// Changes whenever all instances are given up.
    pub fn generation(&self) -> u32 {
        match self {
            Self::Pool(pool) => pool.generation(),
            Self::Actors(actors) => actors.generation(),
        }
    }

    /// Makes an instance: shows that it can be done.
    ///
    /// # Errors
    /// Whatever keeps an instance from starting.
    pub async fn start(&self) -> Result<(), InvokeError> {
        match self {
            Self::Pool(pool) => pool.start().await,
            Self::Actors(actors) => actors.start().await,
        }
    }

    /// Drops every instance: those that serve when they have answered.
    pub fn drop_all(&self) {
        match self {
            Self::Pool(pool) => drop(pool.renew()),
            Self::Actors(actors) => actors.renew(),
        }
    }

    /// Tells every instance to end and waits for them until `deadline`. A pool's instances that
    /// serve at the moment are dropped when they have answered.
    pub async fn end_all(&self, deadline: Instant) {
        match self {
            Self::Pool(pool) => pool.maker().end_all(pool.renew(), deadline).await,
            Self::Actors(actors) => actors.end_all(deadline).await,
        }
    }

    /// Asks the component how it is.
    ///
    /// # Errors
    /// It did not answer within `timeout`. Overloaded: nobody had time to be asked.
    pub async fn health(&self, timeout: Duration) -> Result<Health, InvokeError> {
        match self {
            Self::Pool(pool) => health(pool.lease().await?, timeout).await,
            Self::Actors(actors) => match actors.ask(Instant::now() + timeout).await? {
                Some(lease) => health(lease, timeout).await,
                None => {
                    let instance = self.maker().make().await?;
                    health(self.maker().once(instance), timeout).await
                }
            },
        }
    }

    /// Asks the component what it says of itself.
    ///
    /// # Errors
    /// It did not answer within `timeout`.
    pub async fn metadata(&self, timeout: Duration) -> Result<ComponentMetadata, InvokeError> {
        match self {
            Self::Pool(pool) => metadata(pool.lease().await?, timeout).await,
            Self::Actors(actors) => match actors.ask(Instant::now() + timeout).await? {
                Some(lease) => metadata(lease, timeout).await,
                None => {
                    let instance = self.maker().make().await?;
                    metadata(self.maker().once(instance), timeout).await
                }
            },
        }
    }

    pub fn counts(&self) -> InstanceCounts {
        match self {
            Self::Pool(pool) => pool.counts(),
            Self::Actors(actors) => actors.counts(),
        }
    }

    /// Ages idle instances. To be called once a second.
    pub fn maintain(&self) {
        match self {
            Self::Pool(pool) => pool.maintain(),
            Self::Actors(actors) => actors.maintain(),
        }
    }
}
