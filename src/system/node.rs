//! What the parts of a running node share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

use crate::admin::{self, Readiness, ReloadFailure};
use crate::component::Host;
use crate::config::Config;
use crate::gateway::{Gate, Listeners};
use crate::lifecycle::{Delivery, Deployments, Directory};
use crate::monitoring::{HttpMetrics, Recorder};
use crate::runtime::Services;
use crate::security::AuditTrail;

/// One running node.
pub(crate) struct Node {
    pub config: ArcSwap<Config>,
    pub directory: Arc<Directory>,
    pub services: Arc<Services>,
    pub gate: Arc<Gate>,
    pub host: Host,
    pub recorder: Recorder,
    pub http: HttpMetrics,
    /// One reload at a time.
    pub listeners: Mutex<Listeners>,
    /// Somebody wants the node to drain.
    pub stop: Notify,
}

impl Node {
    /// Ages idle instances. To be called once a second.
    pub fn maintain(&self) {
        self.directory
            .load()
            .versions()
            .for_each(|version| version.maintain());
        self.refresh_gauges();
        self.recorder.upkeep();
    }

    fn refresh_gauges(&self) {
        self.directory
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
            Readiness::Draining
        } else {
            Readiness::Ready
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
        self.directory.load_full()
    }

    fn delivery(&self) -> &Arc<Delivery> {
        unimplemented!()
    }

    fn audit(&self) -> &AuditTrail {
        self.services.trail()
    }

    async fn reload(&self) -> Result<(), ReloadFailure> {
        Node::reload(self).await.map_err(|error| ReloadFailure {
            report: error.to_string(),
            diagnostics: error.diagnostics(),
        })
    }

    fn drain(&self) {
        self.stop.notify_one();
    }
}
