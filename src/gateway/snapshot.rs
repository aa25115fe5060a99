//! Everything a request needs to know of the configuration, in one piece: taken once a
//! request, so that a reload in the middle cannot mix two states.

use std::collections::HashSet;
use std::sync::Arc;

use super::files::Directory;
use super::mirror::Mirror;
use super::router::{RouteError, Router};
use crate::config::{self, Config, Respond, Route, ServerLimits};
use crate::core::VersionTag;
use crate::lifecycle::{Deployment, Deployments};
use crate::monitoring::RouteMetrics;

/// Routes, traffic and settings of one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) router: Arc<Router>,
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
    pub metrics: Arc<RouteMetrics>,
    pub mirror: Option<Arc<Mirror>>,
}

#[derive(Clone)]
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

    /// Leads to the deployment of this moment; to the old one where the component is gone,
    /// until its route is gone as well.
    fn with(self: &Arc<Self>, deployments: &Deployments) -> Arc<Self> {
        let target = match &self.target {
            Target::Component(old) => match deployments.get(old.name()) {
                Some(new) if !Arc::ptr_eq(old, new) => Some(Target::Component(new.clone())),
                _ => None,
            },
            Target::Respond(_) | Target::Files(_) => None,
        };
        let mirror = self.mirror.as_ref().map(|mirror| mirror.with(deployments));
        let mirror_moved = match (&self.mirror, &mirror) {
            (Some(old), Some(new)) => !Arc::ptr_eq(old, new),
            _ => false,
        };
        match target {
            None if !mirror_moved => self.clone(),
            target => Arc::new(Self {
                route: self.route.clone(),
                target: target.unwrap_or_else(|| self.target.clone()),
                metrics: self.metrics.clone(),
                mirror,
            }),
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
            router: Arc::new(router),
            entries: entries.collect::<Result<_, _>>()?,
            limits: Arc::new(config.server.limits.clone()),
            max_requests: config.server.max_requests as usize,
            max_connections: config.server.max_connections as usize,
            trusted_proxies: config.server.trusted_proxies.clone(),
            access_log: config.telemetry.access_log,
            forceable: config
                .admin
                .allow_version_override
                .then(|| tags(deployments)),
        })
    }

    /// The same routes, leading to what is deployed now. What did not change is shared.
    #[must_use]
    pub fn with(&self, deployments: &Deployments) -> Self {
        let entries = self.entries.iter().map(|entry| entry.with(deployments));
        Self {
            entries: entries.collect(),
            forceable: self.forceable.as_ref().map(|_| tags(deployments)),
            ..self.clone()
        }
    }
}

fn tags(deployments: &Deployments) -> HashSet<VersionTag> {
    let versions = deployments.versions();
    versions.map(|version| version.tag()).collect()
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
        config::Target::Publish(_) | config::Target::Request(_) | config::Target::Events(_) => {
            return Err(RouteError {
                route: route.name.clone(),
                reason: "there is no bus".into(),
            });
        }
    };
    let pattern = route.path.as_str();
    let mirror = route.mirror.as_ref();
    Ok(Entry {
        target,
        metrics: Arc::new(RouteMetrics::new(pattern)),
        mirror: mirror.map(|mirror| Arc::new(Mirror::new(mirror, pattern, deployments))),
        route: route.clone(),
    })
}
