//! `airgate check`: everything `serve` would find wrong, found without serving, and what
//! components import beside what they are granted.

use std::fmt;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::{ConfigFile, exit, print};
use crate::component::{Host, Version};
use crate::config::{self, Config, LoadError};
use crate::core::{GrantMode, Grants};
use crate::lifecycle::{DeployError, Deployments, Sources};
use crate::runtime::{Capabilities, Compiler, Network, Services};
use crate::security::AuditTrail;
use crate::system::loader;

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Check the file alone, without compiling its components
    #[arg(long)]
    file_only: bool,
}

impl Check {
    pub fn run(self) -> u8 {
        let (config, warnings) = match config::load(&self.file.config) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.report_load_error(&error);
                return exit::INVALID_CONFIGURATION;
            }
        };
        if !self.json {
            print::diagnostics(&warnings);
        }
        let loaded = match self.file_only {
            true => Ok(Loaded::default()),
            false => load_components(&config),
        };
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(message) => {
                print::error(&message);
                return exit::FAILED;
            }
        };
        if self.json {
            let components: Vec<String> = loaded.failures.iter().map(ToString::to_string).collect();
            let report = serde_json::json!({
                "diagnostics": warnings, "components": components, "capabilities": loaded.notes,
            });
            print::out(&format!("{report:#}\n"));
        } else {
            loaded.notes.iter().for_each(|note| print::note(note));
            loaded
                .failures
                .iter()
                .for_each(|failure| print::error(failure));
        }
        if !loaded.failures.is_empty() {
            return exit::INVALID_CONFIGURATION;
        }
        if !self.json {
            let (components, routes) = (config.components.len(), config.routes.len());
            let path = config.path.display();
            print::out(&format!(
                "{path}: ok, {components} components, {routes} routes\n"
            ));
        }
        0
    }

    fn report_load_error(&self, error: &LoadError) {
        match error {
            LoadError::Invalid(diagnostics) if self.json => {
                let report = serde_json::json!({
                    "diagnostics": diagnostics, "components": [], "capabilities": [],
                });
                print::out(&format!("{report:#}\n"));
            }
            _ => print::load_error(error),
        }
    }
}

/// What came of loading every component.
#[derive(Default)]
struct Loaded {
    failures: Vec<DeployError>,
    notes: Vec<Note>,
}

/// What a component imports and is not granted, or the other way round.
#[derive(Debug, Serialize)]
struct Note {
    /// Toolchains import some interfaces whether or not they are used.
    severity: &'static str,
    component: String,
    version: String,
    message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            component,
            version,
            message,
        } = self;
        write!(
            f,
            "{severity}: component.{component}, version {version}: {message}"
        )
    }
}

/// Compiles and starts every version. What is compiled here is in the cache for `serve`.
fn load_components(config: &Config) -> Result<Loaded, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&config.state_dir).map_err(|error| error.to_string())?;
    let services = offline_services(config)?;
    let compiler = Compiler::of_this_program();
    let loader = loader(Some(&config.state_dir), services.clone(), compiler);
    let loader = loader.map_err(|error| error.to_string())?;
    let host = Host::new(loader);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    host.set_artifact_policy(&config.security);
    let sources = Sources::new(config.outbound.ca.as_deref()).map_err(|error| error.to_string())?;
    let specs = config.components.values().cloned();
    let deployed = Deployments::load(specs, &host, &sources, &config.security, at_once);
    let deployed = runtime.block_on(deployed);
    runtime.shutdown_background();
    Ok(match deployed {
        Ok(deployments) => Loaded {
            failures: Vec::new(),
            notes: notes(&deployments, services.capabilities()),
        },
        Err(failures) => Loaded {
            failures,
            notes: Vec::new(),
        },
    })
}

/// Components are started here, but never asked: nothing is kept of what they try.
fn offline_services(config: &Config) -> Result<Arc<Services>, String> {
    let network = Network::new(config.outbound.clone()).map_err(|error| error.to_string())?;
    Ok(Services::new(
        Capabilities::standard(),
        AuditTrail::in_memory(),
        Arc::default(),
        network,
    ))
}

fn notes(deployments: &Deployments, capabilities: &Capabilities) -> Vec<Note> {
    let mut notes = Vec::new();
    for deployment in deployments.iter() {
        let grants = &deployment.spec().grants;
        for version in deployment.versions() {
            notes.extend(compare(version, grants, capabilities));
        }
    }
    notes
}

fn compare(version: &Version, grants: &Grants, capabilities: &Capabilities) -> Vec<Note> {
    let note = |severity, message| Note {
        severity,
        component: version.component().to_string(),
        version: version.name().to_string(),
        message,
    };
    let needs = capabilities.compare(version.imports(), grants);
    let is_enforced = grants.mode == GrantMode::Enforce;
    let (usual, telling): (Vec<_>, Vec<_>) = needs
        .missing
        .iter()
        .partition(|missing| missing.is_usual && !missing.traps);
    let missing = telling.into_iter().map(|missing| {
        let keys = missing.capabilities.join("` or `");
        if let (true, Some(remains)) = (is_enforced, missing.remains) {
            let import = &missing.import;
            let message = format!(
                "imports {import} without a grant of `{keys}`: it has {remains}, and no more"
            );
            return note("note", message);
        }
        let consequence = match (is_enforced, missing.traps) {
            (false, _) => "allowed and recorded",
            (true, true) => "a trap",
            (true, false) => "denied",
        };
        let import = &missing.import;
        let message =
            format!("imports {import} without a grant of `{keys}`: calling it is {consequence}");
        note("warning", message)
    });
    let mut keys: Vec<_> = usual.iter().flat_map(|it| &it.capabilities).collect();
    keys.dedup();
    let usual = (!keys.is_empty()).then(|| {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let keys = keys.join(", ");
        note(
            "note",
            format!("imports, as toolchains do, what {keys} would grant: it finds nothing there"),
        )
    });
    let unneeded = needs.unneeded.iter().map(|key| {
        note(
            "warning",
            format!("`{key}` is granted, but nothing it imports can use it"),
        )
    });
    missing.chain(unneeded).chain(usual).collect()
}
