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
use super::reload::{ReloadError, prepare};
use super::signals::{Signals, Wish};
use super::watch::FileWatch;
use crate::admin::{self, AdminListenError, AdminListener, AdminToken};
use crate::component::{Host, Peers};
use crate::config::Config;
use crate::core::{ArtifactPolicy, HostBounds};
use crate::gateway::{Gate, Listeners, Socket, Workers};
use crate::lifecycle::{Deployments, Directory};
use crate::monitoring::{CONFIG_LAST_RELOAD_SUCCESS, HttpMetrics, Recorder, RecorderError};
use crate::runtime::{
    Capabilities, CodeCache, Compiler, Engines, Loader, Network, Services, SlowLane,
};
use crate::security::AuditTrail;

/// How often idle instances are aged and gauges refreshed.
const MAINTENANCE: Duration = Duration::from_secs(1);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot use the state directory {path}: {error}")]
    State { path: String, error: io::Error },
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Config(#[from] ReloadError),
    #[error(transparent)]
    Admin(#[from] AdminListenError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
}

/// Makes the engines and the loader of a process. Without a state directory nothing is
/// cached. `policy` holds until [`Loader::set_artifact_policy`] says otherwise.
///
/// # Errors
/// The state directory cannot be used, or threads cannot be started.
pub fn loader(
    state_dir: Option<&Path>,
    services: Arc<Services>,
    compiler: Compiler,
    policy: &ArtifactPolicy,
) -> Result<Arc<Loader>, StartError> {
    let cache = match state_dir {
        Some(dir) => Some(CodeCache::open(dir).map_err(|error| state_error(dir, error))?),
        None => None,
    };
    let engines = Engines::start(HostBounds::default()).map_err(StartError::Threads)?;
    let lane = SlowLane::start(cores()).map_err(StartError::Threads)?;
    let loader = Loader::new(engines, compiler, cache, Arc::new(lane), services);
    loader.set_artifact_policy(policy);
    Ok(Arc::new(loader))
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
        let trail = AuditTrail::open(&state_dir.join("audit"))
            .map_err(|error| state_error(state_dir, error))?;
        let network = Network::new(config.outbound.clone()).map_err(ReloadError::from)?;
        let services = Services::new(capabilities, trail, Arc::default(), network);
        let loader = loader(
            Some(state_dir),
            services.clone(),
            compiler,
            &config.security,
        )?;
        recorder.set_pagemap_scan(loader.engines().pagemap_scan());
        let token = AdminToken::open(config.admin.token.as_ref(), state_dir)
            .map_err(|error| state_error(state_dir, error))?;
        let host = Host::new(loader);
        let (deployments, snapshot, tls) =
            prepare(&config, &Deployments::default(), &host, &services).await?;
        let gate = Gate::new(snapshot);
        let workers = Arc::new(Workers::start(cores()).map_err(StartError::Threads)?);
        let mut listeners = Listeners::new(gate.clone(), workers, inherited_sockets());
        let bound = listeners.bind(&config).map_err(ReloadError::from)?;
        let admin = match &config.admin.listen {
            Some(listen) => Some(AdminListener::bind(listen).await?),
            None => None,
        };
        let forbidden = services.forbidden();
        forbidden.set_admin(admin.as_ref().and_then(AdminListener::address));
        let directory = Arc::<Directory>::default();
        changes::record(&Deployments::default(), &deployments, services.trail());
        directory.store(deployments);
        services.introduce(Arc::downgrade(&directory) as Weak<dyn Peers>);
        listeners.apply(&config, bound, tls);
        let addresses = Addresses {
            sockets: listeners.addresses(),
            admin: admin.as_ref().and_then(AdminListener::address),
        };
        let node = Arc::new(Node {
            config: ArcSwap::from_pointee(config),
            directory,
            services,
            gate,
            host,
            recorder,
            http: HttpMetrics::new(),
            listeners: Mutex::new(listeners),
            stop: Notify::new(),
        });
        let mut tasks = vec![tokio::spawn(maintain(node.clone()))];
        if let Some(admin) = admin {
            let router = admin::router(node.clone(), token);
            tasks.push(tokio::spawn(async move { drop(admin.serve(router).await) }));
        }
        let server = Self::follow(node, signals, addresses, tasks);
        let components = server.node.directory.load().iter().count();
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
        let node = self.node.clone();
        let drained = async move {
            node.listeners.lock().await.close();
            node.gate.drained().await;
        };
        let drained = tokio::select! {
            () = drained => true,
            () = tokio::time::sleep(timeout) => false,
            () = second_stop(&mut self.signals) => false,
        };
        if !drained {
            let in_flight = self.node.gate.in_flight();
            tracing::warn!(in_flight, "not everything could be finished");
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        drained
    }
}

async fn second_stop(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {}
}

async fn maintain(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(MAINTENANCE);
    loop {
        ticks.tick().await;
        node.maintain();
    }
}

fn inherited_sockets() -> Vec<std::net::TcpListener> {
    let mut inherited = listenfd::ListenFd::from_env();
    (0..inherited.len())
        .filter_map(|index| inherited.take_tcp_listener(index).ok()?)
        .collect()
}
