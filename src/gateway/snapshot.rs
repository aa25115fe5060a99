//! Everything a request needs to know of the configuration, in one piece: taken once a
//! request, so that a reload in the middle cannot mix two states.

use std::collections::HashSet;
use std::sync::Arc;

use super::files::Directory;
use super::messages::{Feeds, Post, Ring};
use super::mirror::Mirror;
use super::router::{RouteError, Router};
use crate::config::{self, Config, Respond, Route, ServerLimits};
use crate::core::{MessageBus, VersionTag};
use crate::lifecycle::{Deployment, Deployments};
use crate::monitoring::RouteMetrics;

/// Routes, traffic and settings of one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) router: Arc<Router>,
    pub(crate) entries: Vec<Arc<Entry>>,
    /// Subscriptions of this table and of those that came of it.
    feeds: Feeds,
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
    Message(Post),
    Events(Arc<Ring>),
}

impl Entry {
    pub fn deployment(&self) -> Option<&Deployment> {
        match &self.target {
            Target::Component(deployment) => Some(deployment),
            _ => None,
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
            _ => None,
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
    /// A route that cannot be told from another, whose component is not deployed, or that
    /// cannot subscribe.
    pub async fn new(
        config: &Config,
        deployments: &Deployments,
        bus: &Arc<dyn MessageBus>,
    ) -> Result<Self, RouteError> {
        Self::build(config, deployments, bus, &Feeds::default()).await
    }

    /// Of another configuration. Whoever listens to a route that is still there goes on.
    ///
    /// # Errors
    /// As [`Snapshot::new`].
    pub async fn renewed(
        &self,
        config: &Config,
        deployments: &Deployments,
        bus: &Arc<dyn MessageBus>,
    ) -> Result<Self, RouteError> {
        Self::build(config, deployments, bus, &self.feeds).await
    }

    async fn build(
        config: &Config,
        deployments: &Deployments,
        bus: &Arc<dyn MessageBus>,
        old: &Feeds,
    ) -> Result<Self, RouteError> {
        let router = Router::new(config.routes.iter().map(AsRef::as_ref))?;
        let entries = Entries {
            config,
            deployments,
            bus,
            feeds: Feeds::new(config, bus, old).await?,
        };
        let made = config.routes.iter();
        let made = made.map(|route| entries.entry(route).map(Arc::new));
        Ok(Self {
            router: Arc::new(router),
            entries: made.collect::<Result<_, _>>()?,
            feeds: entries.feeds,
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

/// What the entries of a table are made of.
struct Entries<'a> {
    config: &'a Config,
    deployments: &'a Deployments,
    bus: &'a Arc<dyn MessageBus>,
    feeds: Feeds,
}

impl Entries<'_> {
    fn entry(&self, route: &Arc<Route>) -> Result<Entry, RouteError> {
        let target = self.target(route).map_err(|reason| RouteError {
            route: route.name.clone(),
            reason,
        })?;
        let pattern = route.path.as_str();
        let mirror = route.mirror.as_ref();
        let mirror = mirror.map(|mirror| Mirror::new(mirror, pattern, self.deployments));
        Ok(Entry {
            target,
            metrics: Arc::new(RouteMetrics::new(pattern)),
            mirror: mirror.map(Arc::new),
            route: route.clone(),
        })
    }

    fn target(&self, route: &Route) -> Result<Target, String> {
        let bounds = &self.config.bus.bounds;
        Ok(match &route.target {
            config::Target::Component(name) => match self.deployments.get(name) {
                Some(deployment) => Target::Component(deployment.clone()),
                None => return Err(format!("component `{name}` is not deployed")),
            },
            config::Target::Respond(respond) => Target::Respond(respond.clone()),
            config::Target::Files(files) => {
                Target::Files(Directory::new(files.dir.clone(), files.index.clone()))
            }
            config::Target::Publish(topic) => {
                Target::Message(Post::publishing(self.bus, topic, bounds))
            }
            config::Target::Request(request) => {
                Target::Message(Post::requesting(self.bus, request, bounds))
            }
            config::Target::Events(pattern) => match self.feeds.ring(&route.name, pattern) {
                Some(ring) => Target::Events(ring.clone()),
                None => return Err(format!("nothing subscribes to `{pattern}`")),
            },
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{HeaderEdits, PathPattern, Target};

    /// A checked configuration with these routes, each at a path of its own.
    pub fn config<'a>(routes: impl IntoIterator<Item = (&'a str, Target)>) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("routes.toml");
        std::fs::write(&file, "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\n").unwrap();
        let (mut config, _) = config::load(&file).unwrap();
        let routes = routes.into_iter();
        config.routes = routes
            .map(|(name, target)| Arc::new(route(name, target)))
            .collect();
        config
    }

    fn route(name: &str, target: Target) -> Route {
        Route {
            name: name.to_owned(),
            hosts: Vec::new(),
            path: PathPattern::Exact(format!("/{name}")),
            methods: Vec::new(),
            headers: Vec::new(),
            target,
            mirror: None,
            strip_prefix: None,
            request_headers: HeaderEdits::default(),
            response_headers: HeaderEdits::default(),
        }
    }
}
