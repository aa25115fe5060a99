//! A node from its configuration to its first connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::changes;
use super::chores;
use super::node::Node;
use super::reload::{ReloadError, check_custom, orders, tls};
use super::server::{Addresses, Server};
use super::signals::Signals;
use super::stores::NodeStores;
use super::subscriptions::Subscriptions;
use super::threads::MessageThreads;
use crate::admin::{self, AdminListenError, AdminListener, AdminTokens, TokensError};
use crate::component::{Host, Overview, Peers, Superior};
use crate::config::Config;
use crate::core::{ByteSize, HostBounds, MessageBus, SubscribeError};
use crate::gateway::{Gate, Listeners, Snapshot, Workers};
use crate::lifecycle::{
    Book, CheckClient, Delivery, Deployments, Journal, JournalError, LockError, SourceError,
    Sources, Stage, StateLock, Urgency, Vault,
};
use crate::messaging::LocalBus;
use crate::monitoring::{
    BusMetrics, CONFIG_LAST_RELOAD_SUCCESS, HttpMetrics, Recorder, RecorderError,
};
use crate::runtime::{
    Capabilities, CodeCache, Compiler, Engines, Loader, Network, Services, SlowLane,
};
use crate::security::AuditTrail;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot use the state directory {path}: {error}")]
    State { path: String, error: io::Error },
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Sources(#[from] SourceError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Config(#[from] ReloadError),
    #[error(transparent)]
    Admin(#[from] AdminListenError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
}

/// Makes the engines and the loader of a process. Without a state directory nothing is
/// cached.
///
/// # Errors
/// The state directory cannot be used, or threads cannot be started.
pub fn loader(
    state_dir: Option<&Path>,
    services: Arc<Services>,
    compiler: Compiler,
) -> Result<Arc<Loader>, StartError> {
    let cache = match state_dir {
        Some(dir) => Some(CodeCache::open(dir).map_err(|error| state_error(dir, error))?),
        None => None,
    };
    let engines = Engines::start(HostBounds::default()).map_err(StartError::Threads)?;
    let lane = SlowLane::start(cores()).map_err(StartError::Threads)?;
    let lane = Arc::new(lane);
    Ok(Arc::new(Loader::new(
        engines, compiler, cache, lane, services,
    )))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn state_error(path: &Path, error: io::Error) -> StartError {
    StartError::State {
        path: path.display().to_string(),
        error,
    }
}

impl Server {
    /// Loads every component, binds every address, and begins to serve. `capabilities` are
    /// what guests can be granted: the built-in ones, and those of an embedding program.
    /// Components are compiled in this process: [`Server::start_with`] knows a safer way.
    ///
    /// # Errors
    /// Anything that would leave a part of the configuration unserved.
    pub async fn start(config: Config, capabilities: Capabilities) -> Result<Self, StartError> {
        Self::start_with(config, capabilities, Compiler::InProcess).await
    }

    /// As [`Server::start`], for a program that can compile in children of its own.
    ///
    /// # Errors
    /// Anything that would leave a part of the configuration unserved.
    pub async fn start_with(
        config: Config,
        capabilities: Capabilities,
        compiler: Compiler,
    ) -> Result<Self, StartError> {
        let began = Instant::now();
        let signals = Signals::listen().map_err(StartError::Signals)?;
        let recorder = Recorder::install()?;
        let state_dir = &config.state_dir;
        std::fs::create_dir_all(state_dir).map_err(|error| state_error(state_dir, error))?;
        let lock = StateLock::take(state_dir)?;
        let services = open_services(&config, capabilities)?;
        let loader = loader(Some(state_dir), services.clone(), compiler)?;
        recorder.set_pagemap_scan(loader.engines().pagemap_scan());
        let stores = NodeStores::open(&state_dir.join("stores"), &config.stores)
            .map_err(|error| state_error(state_dir, error))?;
        let threads = MessageThreads::start(cores()).map_err(StartError::Threads)?;
        let bus = open_bus(&config, &threads);
        services.connect(bus.clone(), stores.clone());
        let host = Host::new(loader);
        let delivery = open_delivery(&config, host.clone())?;
        check_custom(&config, &services)?;
        let prepared = delivery.prepare(orders(&config)).await;
        let pending = delivery.begin(prepared.map_err(ReloadError::Deploy)?).await;
        let pending = pending.map_err(ReloadError::Deploy)?;
        let deployments = pending.deployments().clone();
        let snapshot = Snapshot::new(&config, &deployments, &as_bus(&bus))
            .await
            .map_err(ReloadError::from)?;
        let tls = tls(&config).map_err(ReloadError::from)?;
        let gate = Gate::new(snapshot);
        delivery.perform_on(Arc::downgrade(&gate) as Weak<dyn Stage>);
        let workers = Arc::new(Workers::start(cores()).map_err(StartError::Threads)?);
        let mut listeners = Listeners::new(gate.clone(), workers, inherited_sockets());
        let bound = listeners.bind(&config).map_err(ReloadError::from)?;
        let admin = Admin::bind(&config, host.artifact_limit()).await?;
        services.forbidden().set_admin(admin.address());
        services.introduce(Arc::downgrade(delivery.directory()) as Weak<dyn Peers>);
        services.show(Arc::downgrade(delivery.directory()) as Weak<dyn Overview>);
        // A full disk must not keep a node from serving what its configuration names.
        let committed = pending.commit(Urgency::Rescue, || ()).await;
        committed.map_err(ReloadError::from)?;
        changes::record(&Deployments::default(), &deployments, services.trail());
        let subscriptions = Subscriptions::new(bus.clone(), delivery.directory().clone());
        subscriptions.follow(&config).await?;
        listeners.apply(&config, bound, tls);
        let addresses = Addresses {
            sockets: listeners.addresses(),
            admin: admin.address(),
        };
        let node = Arc::new_cyclic(|me| Node {
            me: me.clone(),
            config: ArcSwap::from_pointee(config),
            delivery,
            services,
            gate,
            bus,
            stores,
            subscriptions,
            recorder,
            http: HttpMetrics::new(),
            listeners: Mutex::new(listeners),
            reloading: Mutex::new(()),
            stop: Notify::new(),
            _threads: threads,
        });
        let mut tasks = chores::begin(&node);
        tasks.extend(admin.serve(&node));
        metrics::gauge!(CONFIG_LAST_RELOAD_SUCCESS).set(1.0);
        tracing::info!(
            components = node.delivery.directory().load().iter().count(),
            took_ms = began.elapsed().as_millis() as u64,
            "ready"
        );
        let server = Self::follow(node, signals, addresses, tasks, lock);
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Ok(server)
    }
}

pub(super) fn as_bus(bus: &Arc<LocalBus>) -> Arc<dyn MessageBus> {
    bus.clone()
}

/// The admin API, from its socket to its service.
struct Admin {
    /// Absent where the configuration wants none.
    listener: Option<AdminListener>,
    tokens: AdminTokens,
    artifact_limit: ByteSize,
}

impl Admin {
    async fn bind(config: &Config, artifact_limit: ByteSize) -> Result<Self, StartError> {
        let admin = &config.admin;
        let named = admin.tokens.iter();
        let named = named.map(|it| (it.name.clone(), it.role, it.token.clone()));
        let tokens = AdminTokens::open(admin.token.as_ref(), named, &config.state_dir)?;
        let listener = match &admin.listen {
            Some(listen) => Some(AdminListener::bind(listen).await?),
            None => None,
        };
        Ok(Self {
            listener,
            tokens,
            artifact_limit,
        })
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(AdminListener::address)
    }

    fn serve(self, node: &Arc<Node>) -> Option<JoinHandle<()>> {
        let listener = self.listener?;
        let settings = admin::Settings {
            tokens: self.tokens,
            hosts: listener.hosts(node.config.load().admin.hosts.clone()),
            artifact_limit: self.artifact_limit,
        };
        let router = admin::router(node.clone(), settings);
        Some(tokio::spawn(async move {
            match listener.serve(router).await {}
        }))
    }
}

fn open_services(config: &Config, capabilities: Capabilities) -> Result<Arc<Services>, StartError> {
    let state_dir = &config.state_dir;
    let trail = AuditTrail::open(&state_dir.join("audit"))
        .map_err(|error| state_error(state_dir, error))?;
    let network = Network::new(config.outbound.clone()).map_err(ReloadError::from)?;
    Ok(Services::new(capabilities, trail, Arc::default(), network))
}

fn open_bus(config: &Config, threads: &MessageThreads) -> Arc<LocalBus> {
    let observer = Arc::new(BusMetrics);
    LocalBus::new(config.bus.clone(), threads.handle().clone(), observer)
}

/// What was delivered before, and what more is needed to deliver.
fn open_delivery(config: &Config, host: Host) -> Result<Arc<Delivery>, StartError> {
    let state_dir = &config.state_dir;
    let vault =
        Vault::open(&state_dir.join("artifacts")).map_err(|error| state_error(state_dir, error))?;
    let (journal, ledger) = Journal::open(&state_dir.join("journal"))?;
    let sources = Sources::new(config.outbound.ca.as_deref())?;
    let checks = CheckClient::new(config.outbound.ca.as_deref())?;
    let book = Book::new(journal, ledger);
    let delivery = Delivery::new(host.clone(), sources, checks, vault, book);
    host.report_to(Arc::downgrade(&delivery) as Weak<dyn Superior>);
    Ok(delivery)
}

fn inherited_sockets() -> Vec<std::net::TcpListener> {
    let mut inherited = listenfd::ListenFd::from_env();
    (0..inherited.len())
        .filter_map(|index| inherited.take_tcp_listener(index).ok()?)
        .collect()
}
