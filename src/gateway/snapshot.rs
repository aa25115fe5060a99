//! Everything a request needs to know of the configuration, in one piece: taken once a
//! request, so that a reload in the middle cannot mix two states.

use std::collections::HashSet;
use std::sync::Arc;

use super::files::Directory;
use super::router::{RouteError, Router};
use crate::config::{self, Config, Respond, Route, ServerLimits};
use crate::core::VersionTag;
use crate::lifecycle::{Deployment, Deployments};
use crate::monitoring::RouteMetrics;

/// Routes, traffic and settings of one moment.
pub struct Snapshot {
    pub(crate) router: Router,
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) limits: Arc<ServerLimits>,
    pub(crate) max_requests: usize,
    pub(crate) max_connections: usize,
    pub(crate) trusted_proxies: Vec<ipnet::IpNet>,
    pub(crate) access_log: bool,
    /// Every version that a client may ask for; `None`: clients may not.
    pub(crate) forceable: Option<HashSet<VersionTag>>,
}

/// A route with what answers it.
pub(crate) struct Entry {
    pub route: Arc<Route>,
    pub target: Target,
    pub metrics: RouteMetrics,
}

pub(crate) enum Target {
    Component(Arc<Deployment>),
    Respond(Respond),
    Files(Directory),
}

impl Entry {
    pub fn deployment(&self) -> Option<&Deployment> {
        match &self.target {
            Target::Component(deployment) => Some(deployment),
            Target::Respond(_) | Target::Files(_) => None,
        }
    }
}

impl Snapshot {
    /// # Errors
    /// A route that cannot be told from another, or whose component is not deployed.
    pub fn new(config: &Config, deployments: &Deployments) -> Result<Self, RouteError> {
        let router = Router::new(config.routes.iter().map(AsRef::as_ref))?;
        let entries = config
            .routes
            .iter()
            .map(|route| entry(route, deployments).map(Arc::new));
        Ok(Self {
            router,
            entries: entries.collect::<Result<_, _>>()?,
            limits: Arc::new(config.server.limits.clone()),
            max_requests: config.server.max_requests as usize,
            max_connections: config.server.max_connections as usize,
            trusted_proxies: config.server.trusted_proxies.clone(),
            access_log: config.telemetry.access_log,
            forceable: allows_version_override(config).then(|| {
                deployments
                    .versions()
                    .map(|version| version.tag())
                    .collect()
            }),
        })
    }
}

/// `[admin] allow_version_override`.
fn allows_version_override(_config: &Config) -> bool {
    false
}

fn entry(route: &Arc<Route>, deployments: &Deployments) -> Result<Entry, RouteError> {
    let target = match &route.target {
        config::Target::Component(name) => match deployments.get(name) {
            Some(deployment) => Target::Component(deployment.clone()),
            None => {
                let reason = format!("component `{name}` is not deployed");
                return Err(RouteError {
                    route: route.name.clone(),
                    reason,
                });
            }
        },
        config::Target::Respond(respond) => Target::Respond(respond.clone()),
        config::Target::Files(files) => {
            Target::Files(Directory::new(files.dir.clone(), files.index.clone()))
        }
    };
    let metrics = RouteMetrics::new(route.path.as_str());
    Ok(Entry {
        route: route.clone(),
        target,
        metrics,
    })
}
