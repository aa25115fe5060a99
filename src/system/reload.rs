//! A new configuration: prepared whole beside the old one, then taken in one swap, or not
//! at all.

use std::sync::Arc;

use super::changes;
use super::node::Node;
use crate::component::Host;
use crate::config::{self, Config, LoadError};
use crate::core::ComponentName;
use crate::gateway::{BindError, CertificateError, RouteError, Snapshot, TlsSettings};
use crate::lifecycle::{DeployError, Deployments};
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

    async fn try_reload(&self) -> Result<(), ReloadError> {
        let mut listeners = self.listeners.lock().await;
        if self.gate.is_draining() {
            return Err(ReloadError::Draining);
        }
        let old = self.config.load_full();
        let path = old.path.clone();
        let custom = custom_names(&self.services);
        let read = tokio::task::spawn_blocking(move || config::load_with(path, &custom)).await;
        let (config, warnings) = read.map_err(|_| ReloadError::Interrupted)??;
        if !warnings.is_empty() {
            tracing::warn!("{warnings}");
        }
        let running = self.directory.load_full();
        let network = Network::new(config.outbound.clone())?;
        let (deployments, snapshot, tls) =
            prepare(&config, &running, &self.host, &self.services).await?;
        if self.gate.is_draining() {
            return Err(ReloadError::Draining);
        }
        let bound = listeners.bind(&config)?;
        // From here on nothing can fail.
        warn_of_fixed_settings(&old, &config);
        self.gate.replace(snapshot);
        listeners.apply(&config, bound, tls);
        self.services.set_network(network);
        changes::record(&running, &deployments, self.services.trail());
        self.directory.store(deployments);
        self.config.store(Arc::new(config));
        Ok(())
    }
}

/// Everything a configuration needs, ready to be taken.
pub(crate) async fn prepare(
    config: &Config,
    running: &Deployments,
    host: &Host,
    services: &Services,
) -> Result<(Deployments, Snapshot, Option<TlsSettings>), ReloadError> {
    check_custom(config, services)?;
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let specs = config.components.values().cloned();
    let deployments = running
        .next(specs, host, at_once)
        .await
        .map_err(ReloadError::Deploy)?;
    let snapshot = Snapshot::new(config, &deployments)?;
    let tls = match &config.server.tls {
        Some(tls) => Some(TlsSettings::load(tls, &config.state_dir)?),
        None => None,
    };
    Ok((deployments, snapshot, tls))
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
fn check_custom(config: &Config, services: &Services) -> Result<(), ReloadError> {
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

fn warn_of_fixed_settings(old: &Config, new: &Config) {
    let fixed = [
        ("[admin]", old.admin != new.admin),
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
