//! What one version can reach, and what all of them share on the way there.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Method, Response};
use wasmtime_wasi_http::{Error, WasiBody};

use super::capability::{Capabilities, StoreAlarm};
use super::guard::Guard;
use super::outbound::{Clients, Network, Peers, failure_label};
use super::overview::Overview;
use crate::core::{ComponentName, Grants, KvStore, MessageBus, StoreName, Stores, VersionName};
use crate::monitoring::{ClientMetrics, SendMetrics};
use crate::security::{AuditTrail, Egress, Forbidden};

/// What all versions share: the list of capabilities, the way outside, the other
/// components, and who must be told of denials.
pub struct Services {
    pub(crate) capabilities: Capabilities,
    trail: Arc<AuditTrail>,
    forbidden: Arc<Forbidden>,
    network: ArcSwap<Network>,
    /// Weak: whoever knows the components owns, through them, this.
    peers: OnceLock<Weak<dyn Peers>>,
    /// Weak as well.
    overview: OnceLock<Weak<dyn Overview>>,
    bus: OnceLock<Arc<dyn MessageBus>>,
    stores: OnceLock<Arc<dyn Stores>>,
}

impl Services {
    pub fn new(
        capabilities: Capabilities,
        trail: Arc<AuditTrail>,
        forbidden: Arc<Forbidden>,
        network: Network,
    ) -> Arc<Self> {
        Arc::new(Self {
            capabilities,
            trail,
            forbidden,
            network: ArcSwap::from_pointee(network),
            peers: OnceLock::new(),
            overview: OnceLock::new(),
            bus: OnceLock::new(),
            stores: OnceLock::new(),
        })
    }

    /// Introduces the components to each other; the first introduction counts.
    pub fn introduce(&self, peers: Weak<dyn Peers>) {
        let _ = self.peers.set(peers);
    }

    /// Lets components see how others are; the first counts.
    pub fn show(&self, overview: Weak<dyn Overview>) {
        let _ = self.overview.set(overview);
    }

    /// What stands behind the imports for messages and stores; the first counts. Until then
    /// guests are told that nothing is there.
    pub fn connect(&self, bus: Arc<dyn MessageBus>, stores: Arc<dyn Stores>) {
        let _ = self.bus.set(bus);
        let _ = self.stores.set(stores);
    }

    /// Takes new settings of `[outbound]` for every connection from now on. Where they are
    /// the same, pools stay as they are.
    pub fn set_network(&self, network: Network) {
        if !self.network.load().is_like(&network) {
            self.network.store(Arc::new(network));
        }
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    pub fn trail(&self) -> &Arc<AuditTrail> {
        &self.trail
    }

    pub fn forbidden(&self) -> &Arc<Forbidden> {
        &self.forbidden
    }

    pub(super) fn peers(&self) -> Option<Arc<dyn Peers>> {
        self.peers.get()?.upgrade()
    }

    pub(super) fn overview(&self) -> Option<Arc<dyn Overview>> {
        self.overview.get()?.upgrade()
    }

    pub(super) fn bus(&self) -> Option<&Arc<dyn MessageBus>> {
        self.bus.get()
    }

    pub(super) fn store(&self, name: &StoreName) -> Option<Arc<dyn KvStore>> {
        self.stores.get()?.store(name)
    }

    pub(super) fn network(&self) -> Arc<Network> {
        self.network.load_full()
    }
}

/// What one version of a component can reach.
pub(crate) struct Reach {
    pub services: Arc<Services>,
    pub grants: Arc<Grants>,
    pub guard: Arc<Guard>,
    pub egress: Arc<Egress>,
    pub clients: Clients,
    /// What becomes of what is sent over the bus.
    pub sent: SendMetrics,
    pub store_alarm: StoreAlarm,
    /// One for each grant of `http`, in their order.
    fetched: Vec<ClientMetrics>,
    /// One for each grant of `components`.
    called: Vec<ClientMetrics>,
    /// What only audit mode lets through.
    audited: ClientMetrics,
}

impl Reach {
    pub fn new(
        services: Arc<Services>,
        grants: Arc<Grants>,
        component: &ComponentName,
        version: &VersionName,
    ) -> Self {
        let metrics = |server: String| ClientMetrics::new(component, server);
        let trail = services.trail.clone();
        let guard = Guard::new(component.clone(), version.clone(), grants.mode, trail);
        Self {
            guard: Arc::new(guard),
            egress: Arc::new(Egress::new(&grants, services.forbidden.clone())),
            clients: Clients::default(),
            sent: SendMetrics::new(component),
            store_alarm: StoreAlarm::default(),
            fetched: grants
                .http
                .iter()
                .map(|it| metrics(it.to_string()))
                .collect(),
            called: grants
                .components
                .iter()
                .map(|name| metrics(format!("http://{name}.internal")))
                .collect(),
            audited: metrics("(not granted)".into()),
            services,
            grants,
        }
    }

    /// `grant` is the place of the grant; `None`: there is none.
    pub fn record_fetch(
        &self,
        grant: Option<usize>,
        duration: Duration,
        method: &Method,
        result: &Result<Response<WasiBody>, Error>,
    ) {
        let series = grant.and_then(|grant| self.fetched.get(grant));
        self.record(series, duration, method, result);
    }

    pub fn record_call(
        &self,
        grant: Option<usize>,
        duration: Duration,
        method: &Method,
        result: &Result<Response<WasiBody>, Error>,
    ) {
        let series = grant.and_then(|grant| self.called.get(grant));
        self.record(series, duration, method, result);
    }

    fn record(
        &self,
        series: Option<&ClientMetrics>,
        duration: Duration,
        method: &Method,
        result: &Result<Response<WasiBody>, Error>,
    ) {
        let result = result.as_ref().map(Response::status).map_err(failure_label);
        series
            .unwrap_or(&self.audited)
            .record(duration, method, result);
    }
}
