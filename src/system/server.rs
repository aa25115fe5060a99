//! A node from its configuration to its last connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::changes;
use super::node::Node;
use super::reload::{ReloadError, check_custom, orders, tls};
use super::signals::{Signals, Wish};
use super::stores::NodeStores;
use super::subscriptions::Subscriptions;
use super::watch::FileWatch;
use crate::admin::{self, AdminListenError, AdminListener, AdminTokens, TokensError};
use crate::component::{Host, Overview, Peers, Superior};
use crate::config::{self, Config};
use crate::core::{HostBounds, MessageBus, Role, SubscribeError};
use crate::gateway::{Gate, Listeners, Snapshot, Socket, Workers};
use crate::lifecycle::{
    Book, CheckClient, Delivery, Deployments, Journal, JournalError, LockError, SourceError,
    Sources, Stage, StateLock, Urgency, Vault,
};
use crate::messaging::LocalBus;
use crate::monitoring::{
    BusMetrics, CONFIG_LAST_RELOAD_SUCCESS, HttpMetrics, Recorder, RecorderError, StoreUsage,
};
use crate::runtime::{
    Capabilities, CodeCache, Compiler, Engines, Loader, Network, Services, SlowLane,
};
use crate::security::AuditTrail;

/// How often idle instances are aged and gauges refreshed.
const MAINTENANCE: Duration = Duration::from_secs(1);

/// How often it is counted what components have in the stores.
const STORE_USAGE: Duration = Duration::from_secs(10);

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

/// Where a node listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    pub sockets: Vec<Socket>,
    pub admin: Option<SocketAddr>,
}

/// A node that serves.
pub struct Server {
    node: Arc<Node>,
    signals: Signals,
    changed: Arc<Notify>,
    watch: Option<FileWatch>,
    addresses: Addresses,
    tasks: Vec<JoinHandle<()>>,
    /// No other node uses the state directory meanwhile.
    _lock: StateLock,
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
        let trail = AuditTrail::open(&state_dir.join("audit"))
            .map_err(|error| state_error(state_dir, error))?;
        let network = Network::new(config.outbound.clone()).map_err(ReloadError::from)?;
        let services = Services::new(capabilities, trail, Arc::default(), network);
        let loader = loader(Some(state_dir), services.clone(), compiler)?;
        recorder.set_pagemap_scan(loader.engines().pagemap_scan());
        let tokens = AdminTokens::open(
            config.admin.token.as_ref(),
            named_tokens(&config.admin),
            state_dir,
        )?;
        let host = Host::new(loader);
        let artifact_limit = host.artifact_limit();
        let stores = NodeStores::open(&state_dir.join("stores"), &config.stores)
            .map_err(|error| state_error(state_dir, error))?;
        let bus = LocalBus::new(
            config.bus.clone(),
            tokio::runtime::Handle::current(),
            Arc::new(BusMetrics),
        );
        services.connect(bus.clone(), stores.clone());
        let delivery = open_delivery(&config, host.clone())?;
        host.report_to(Arc::downgrade(&delivery) as Weak<dyn Superior>);
        check_custom(&config, &services)?;
        let prepared = delivery.prepare(orders(&config)).await;
        let pending = delivery.begin(prepared.map_err(ReloadError::Deploy)?).await;
        let pending = pending.map_err(ReloadError::Deploy)?;
        let deployments = pending.deployments().clone();
        let snapshot =
            Snapshot::new(&config, &deployments, &as_bus(&bus)).map_err(ReloadError::from)?;
        let tls = tls(&config).map_err(ReloadError::from)?;
        let gate = Gate::new(snapshot);
        delivery.perform_on(Arc::downgrade(&gate) as Weak<dyn Stage>);
        let workers = Arc::new(Workers::start(cores()).map_err(StartError::Threads)?);
        let mut listeners = Listeners::new(gate.clone(), workers, inherited_sockets());
        let bound = listeners.bind(&config).map_err(ReloadError::from)?;
        let admin = match &config.admin.listen {
            Some(listen) => Some(AdminListener::bind(listen).await?),
            None => None,
        };
        let forbidden = services.forbidden();
        forbidden.set_admin(admin.as_ref().and_then(AdminListener::address));
        services.introduce(Arc::downgrade(delivery.directory()) as Weak<dyn Peers>);
        services.show(Arc::downgrade(delivery.directory()) as Weak<dyn Overview>);
        // A full disk must not keep a node from serving what its configuration names.
        let committed = pending.commit(Urgency::Rescue, || ()).await;
        committed.map_err(ReloadError::from)?;
        changes::record(&Deployments::default(), &deployments, services.trail());
        let subscriptions = Subscriptions::new(bus.clone(), delivery.directory().clone());
        subscriptions.follow(&config)?;
        listeners.apply(&config, bound, tls);
        let addresses = Addresses {
            sockets: listeners.addresses(),
            admin: admin.as_ref().and_then(AdminListener::address),
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
        });
        let drive = node.delivery.clone();
        let mut tasks = vec![
            tokio::spawn(maintain(node.clone())),
            tokio::spawn(keep_driving(drive)),
            tokio::spawn(keep_counting(node.stores.clone())),
        ];
        if let Some(admin) = admin {
            let hosts = node.config.load().admin.hosts.clone();
            let settings = admin::Settings {
                tokens,
                hosts: admin.hosts(hosts),
                artifact_limit,
            };
            let router = admin::router(node.clone(), settings);
            tasks.push(tokio::spawn(async { match admin.serve(router).await {} }));
        }
        let server = Self::follow(node, signals, addresses, tasks, lock);
        let components = server.node.delivery.directory().load().iter().count();
        metrics::gauge!(CONFIG_LAST_RELOAD_SUCCESS).set(1.0);
        tracing::info!(
            components,
            took_ms = began.elapsed().as_millis() as u64,
            "ready"
        );
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Ok(server)
    }

    fn follow(
        node: Arc<Node>,
        signals: Signals,
        addresses: Addresses,
        tasks: Vec<JoinHandle<()>>,
        lock: StateLock,
    ) -> Self {
        let changed = Arc::new(Notify::new());
        let watch = FileWatch::start(changed.clone());
        if let Err(error) = &watch {
            tracing::warn!(%error, "cannot watch for changes; send SIGHUP to reload");
        }
        let mut watch = watch.ok();
        if let Some(watch) = &mut watch {
            watch.follow(&node.config.load());
        }
        Self {
            node,
            signals,
            changed,
            watch,
            addresses,
            tasks,
            _lock: lock,
        }
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves until told to stop, then drains. A second wish to stop ends it at once.
    /// Returns whether every request could be finished.
    pub async fn run(mut self) -> bool {
        loop {
            let wish = tokio::select! {
                wish = self.signals.next() => wish,
                () = self.changed.notified() => Wish::Reload,
                () = self.node.stop.notified() => Wish::Stop,
            };
            if wish == Wish::Stop || self.reload().await == Wish::Stop {
                return self.stop().await;
            }
        }
    }

    /// Reloads, unless somebody wants to stop meanwhile: a component may take long.
    async fn reload(&mut self) -> Wish {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
        let node = self.node.clone();
        let mut wishes = std::pin::pin!(async { while self.signals.next().await != Wish::Stop {} });
        tokio::select! {
            // The error is in the log, and in the gauge.
            _ = node.reload() => {}
            () = &mut wishes => return Wish::Stop,
        }
        if let Some(watch) = &mut self.watch {
            watch.follow(&self.node.config.load());
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Wish::Reload
    }

    async fn stop(&mut self) -> bool {
        let timeout = self.node.config.load().server.drain_timeout;
        tracing::info!(in_flight = self.node.gate.in_flight(), "draining");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        self.node.gate.start_drain();
        self.node.delivery.close();
        let node = self.node.clone();
        let drained = async move {
            node.listeners.lock().await.close();
            node.gate.drained().await;
            // What requests have sent is handled before those who handle it are told to end.
            node.bus.drain().await;
        };
        let (drained, is_urgent) = tokio::select! {
            () = drained => (true, false),
            () = tokio::time::sleep(timeout) => (false, false),
            () = second_stop(&mut self.signals) => (false, true),
        };
        self.node.subscriptions.end();
        if !is_urgent {
            // Whoever was slow must not cost components their end; each has a deadline of its own.
            tokio::select! {
                () = self.node.delivery.shut_down() => {}
                () = second_stop(&mut self.signals) => {}
            }
        }
        if !drained {
            let in_flight = self.node.gate.in_flight();
            tracing::warn!(in_flight, "not everything could be finished");
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        drained
    }
}

pub(super) fn as_bus(bus: &Arc<LocalBus>) -> Arc<dyn MessageBus> {
    bus.clone()
}

async fn second_stop(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {}
}

/// A bug of ours must not leave rollouts without anybody who watches them.
async fn keep_driving(delivery: Arc<Delivery>) {
    while tokio::spawn(delivery.clone().drive()).await.is_err() {
        tracing::error!("the analysis of rollouts broke off; it begins again");
    }
}

async fn maintain(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(MAINTENANCE);
    loop {
        ticks.tick().await;
        node.maintain();
    }
}

async fn keep_counting(stores: Arc<NodeStores>) {
    let mut usage = StoreUsage::default();
    let mut ticks = tokio::time::interval(STORE_USAGE);
    loop {
        ticks.tick().await;
        usage.refresh(&*stores).await;
    }
}

fn named_tokens(admin: &config::Admin) -> Vec<(String, Role, config::Token)> {
    let named = admin.tokens.iter();
    named
        .map(|it| (it.name.clone(), it.role, it.token.clone()))
        .collect()
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
    Ok(Delivery::new(host, sources, checks, vault, book))
}

fn inherited_sockets() -> Vec<std::net::TcpListener> {
    let mut inherited = listenfd::ListenFd::from_env();
    (0..inherited.len())
        .filter_map(|index| inherited.take_tcp_listener(index).ok()?)
        .collect()
}
