//! A new configuration: prepared whole beside the old one, then taken in one swap, or not
//! at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes;
use super::node::Node;
use super::start::as_bus;
use crate::config::{self, Config, LoadError};
use crate::core::{ComponentName, StoreName, StoreSpec};
use crate::gateway::{BindError, CertificateError, RouteError, TlsSettings};
use crate::lifecycle::{ChangeError, DeployError, Orders, Urgency};
use crate::monitoring::CONFIG_LAST_RELOAD_SUCCESS;
use crate::runtime::{Network, NetworkError, Services};

/// Why a configuration cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] LoadError),
    #[error("{}", lines(.0))]
    Deploy(Vec<DeployError>),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("component.{component}.capabilities.custom.{capability}: {reason}")]
    Capability {
        component: ComponentName,
        capability: String,
        reason: String,
    },
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error("cannot use the directory for stores: {0}")]
    Stores(std::io::Error),
    #[error("the node is draining")]
    Draining,
    #[error("reading the configuration was interrupted")]
    Interrupted,
}

fn lines(errors: &[DeployError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

impl ReloadError {
    /// For programs: the diagnostics, where the file is at fault.
    pub fn diagnostics(&self) -> serde_json::Value {
        match self {
            Self::Config(LoadError::Invalid(diagnostics)) => {
                serde_json::to_value(diagnostics).unwrap_or_default()
            }
            _ => serde_json::Value::Array(Vec::new()),
        }
    }
}

impl Node {
    /// Reads the configuration again. Until everything in it is ready nothing changes, and
    /// where something is wrong nothing does.
    ///
    /// # Errors
    /// What keeps the new configuration from being taken.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let result = self.try_reload().await;
        match &result {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(error) => tracing::error!(%error, "the old configuration stays"),
        }
        metrics::gauge!(CONFIG_LAST_RELOAD_SUCCESS).set(f64::from(u8::from(result.is_ok())));
        result
    }

    /// Goes on when the caller has lost interest: it is taken whole or not at all.
    async fn try_reload(&self) -> Result<(), ReloadError> {
        let Some(node) = self.me.upgrade() else {
            return Err(ReloadError::Interrupted);
        };
        let reloaded = tokio::spawn(async move { node.take_configuration().await });
        reloaded.await.unwrap_or(Err(ReloadError::Interrupted))
    }

    async fn take_configuration(&self) -> Result<(), ReloadError> {
        let _one = self.reloading.lock().await;
        self.expect_serving()?;
        let old = self.config.load_full();
        let path = old.path.clone();
        let custom = custom_names(&self.services);
        let read = tokio::task::spawn_blocking(move || config::load_with(path, &custom)).await;
        let (config, warnings) = read.map_err(|_| ReloadError::Interrupted)??;
        if !warnings.is_empty() {
            tracing::warn!("{warnings}");
        }
        let network = Network::new(config.outbound.clone())?;
        check_custom(&config, &self.services)?;
        let tls = tls(&config)?;
        let prepared = self.delivery.prepare(orders(&config)).await;
        let prepared = prepared.map_err(ReloadError::Deploy)?;
        let pending = self.delivery.begin(prepared).await;
        let pending = pending.map_err(ReloadError::Deploy)?;
        let mut listeners = self.listeners.lock().await;
        let running = self.delivery.directory().load_full();
        self.expect_serving()?;
        let deployments = pending.deployments().clone();
        let snapshot = {
            let shown = Arc::clone(&*self.gate.snapshot());
            let bus = as_bus(&self.bus);
            shown.renewed(&config, &deployments, &bus).await?
        };
        let bound = listeners.bind(&config)?;
        // New ones before what uses them; those that are gone only after it.
        let mut both = config.stores.clone();
        both.extend(old.stores.clone());
        self.follow_stores(both).await?;
        let show = || {
            warn_of_fixed_settings(&old, &config);
            self.bus.set_spec(config.bus.clone());
            self.gate.replace(snapshot);
            listeners.apply(&config, bound, tls);
            self.services.set_network(network);
        };
        pending.commit(Urgency::Orderly, show).await?;
        changes::record(&running, &deployments, self.services.trail());
        // The new configuration serves: what goes wrong from now on is told, and no way back.
        if let Err(error) = self.follow_stores(config.stores.clone()).await {
            tracing::error!(%error, "not every store could be opened");
        }
        if let Err(error) = self.subscriptions.follow(&config).await {
            tracing::error!(%error, "not every subscription could be had");
        }
        self.config.store(Arc::new(config));
        Ok(())
    }

    /// Opening a store reads all of it.
    async fn follow_stores(
        &self,
        specs: BTreeMap<StoreName, StoreSpec>,
    ) -> Result<(), ReloadError> {
        let stores = self.stores.clone();
        let follow = tokio::task::spawn_blocking(move || stores.follow(&specs));
        let followed = follow.await.map_err(|_| ReloadError::Interrupted)?;
        followed.map_err(ReloadError::Stores)
    }

    fn expect_serving(&self) -> Result<(), ReloadError> {
        match self.gate.is_draining() {
            true => Err(ReloadError::Draining),
            false => Ok(()),
        }
    }
}

/// What a configuration says of components.
pub(super) fn orders(config: &Config) -> Orders {
    Orders {
        specs: config.components.values().cloned().collect(),
        policy: config.security.clone(),
        keep: config.keep_versions,
        at_once: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

pub(super) fn tls(config: &Config) -> Result<Option<TlsSettings>, CertificateError> {
    let tls = config.server.tls.as_ref();
    tls.map(|tls| TlsSettings::load(tls, &config.state_dir))
        .transpose()
}

/// The capabilities that an embedding program has added.
fn custom_names(services: &Services) -> Vec<&'static str> {
    services
        .capabilities()
        .added()
        .map(|it| it.name())
        .collect()
}

/// What the program that embeds us says of the grants it knows.
pub(super) fn check_custom(config: &Config, services: &Services) -> Result<(), ReloadError> {
    for spec in config.components.values() {
        for (name, grant) in &spec.grants.custom {
            let mut added = services.capabilities().added();
            let checked = match added.find(|it| it.name() == name) {
                Some(capability) => capability.check(grant),
                None => Err("this program provides no such capability".into()),
            };
            checked.map_err(|reason| ReloadError::Capability {
                component: spec.name.clone(),
                capability: name.clone(),
                reason,
            })?;
        }
    }
    Ok(())
}

/// But for what takes effect at once.
fn is_like(old: &config::Admin, new: &config::Admin) -> bool {
    let allow_version_override = new.allow_version_override;
    let old = config::Admin {
        allow_version_override,
        ..old.clone()
    };
    old == *new
}

fn warn_of_fixed_settings(old: &Config, new: &Config) {
    let fixed = [
        ("[admin]", !is_like(&old.admin, &new.admin)),
        (
            "[outbound] ca, for sources of components and checks of rollouts,",
            old.outbound.ca != new.outbound.ca,
        ),
        ("[state]", old.state_dir != new.state_dir),
        (
            "[telemetry] log_format",
            old.telemetry.log_format != new.telemetry.log_format,
        ),
    ];
    for (section, _) in fixed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{section} has changed; it takes effect at the next start");
    }
}
