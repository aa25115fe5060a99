//! What the parts of a running node share.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

use super::stores::NodeStores;
use super::subscriptions::Subscriptions;
use super::threads::MessageThreads;
use crate::admin::{self, Readiness, ReloadFailure};
use crate::config::Config;
use crate::core::{DeadLetters, MessageBus, Stores};
use crate::gateway::{Gate, Listeners};
use crate::lifecycle::{Delivery, Deployments};
use crate::messaging::LocalBus;
use crate::monitoring::{HttpMetrics, Recorder};
use crate::runtime::Services;
use crate::security::AuditTrail;

/// Until the answer to a wish is on its way.
const ANSWERED: Duration = Duration::from_millis(100);

/// One running node.
pub(crate) struct Node {
    /// For what must go on when its caller has lost interest.
    pub me: Weak<Node>,
    pub config: ArcSwap<Config>,
    pub delivery: Arc<Delivery>,
    pub services: Arc<Services>,
    pub gate: Arc<Gate>,
    pub bus: Arc<LocalBus>,
    pub stores: Arc<NodeStores>,
    pub subscriptions: Subscriptions,
    pub recorder: Recorder,
    pub http: HttpMetrics,
    pub listeners: Mutex<Listeners>,
    /// One reload at a time.
    pub reloading: Mutex<()>,
    /// Somebody wants the node to drain.
    pub stop: Notify,
    /// Where messages are handled, as long as the node is there.
    pub _threads: MessageThreads,
}

impl Node {
    /// Ages idle instances. To be called once a second.
    pub fn maintain(&self) {
        let deployments = self.delivery.directory().load();
        let versions = deployments.versions().chain(deployments.shadows());
        versions.for_each(|version| version.maintain());
        self.refresh_gauges();
        self.recorder.upkeep();
    }

    fn refresh_gauges(&self) {
        self.delivery
            .directory()
            .load()
            .versions()
            .for_each(|version| version.refresh_gauges());
        self.http.set_active(self.gate.in_flight());
        self.http.set_connections(self.gate.connections());
    }
}

#[async_trait::async_trait]
impl admin::Node for Node {
    fn readiness(&self) -> Readiness {
        if self.gate.is_draining() {
            return Readiness::Draining;
        }
        match self.delivery.failed() {
            failed if failed.is_empty() => Readiness::Ready,
            failed => Readiness::Failed(failed),
        }
    }

    fn metrics(&self) -> String {
        self.refresh_gauges();
        self.recorder.render()
    }

    fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    fn deployments(&self) -> Arc<Deployments> {
        self.delivery.directory().load_full()
    }

    fn audit(&self) -> &AuditTrail {
        self.services.trail()
    }

    fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    fn stores(&self) -> Arc<dyn Stores> {
        self.stores.clone()
    }

    fn bus(&self) -> Arc<dyn MessageBus> {
        self.bus.clone()
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.bus.clone()
    }

    async fn reload(&self) -> Result<(), ReloadFailure> {
        Node::reload(self).await.map_err(|error| ReloadFailure {
            report: error.to_string(),
            diagnostics: error.diagnostics(),
        })
    }

    fn drain(&self) {
        let Some(node) = self.me.upgrade() else {
            return;
        };
        // An idle node is gone at once: who asked for it hears that it was heard.
        tokio::spawn(async move {
            tokio::time::sleep(ANSWERED).await;
            node.stop.notify_one();
        });
    }
}
