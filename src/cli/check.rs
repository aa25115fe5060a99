//! `airgate check`: everything `serve` would find wrong, found without serving.

use clap::Args;

use super::{ConfigFile, exit, print};
use crate::component::Host;
use crate::config::{self, Config, LoadError};
use crate::lifecycle::{DeployError, Deployments};
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
        let failures = if self.file_only {
            Ok(Vec::new())
        } else {
            load_components(&config)
        };
        let failures = match failures {
            Ok(failures) => failures,
            Err(message) => {
                print::error(&message);
                return exit::FAILED;
            }
        };
        if self.json {
            let components: Vec<String> = failures.iter().map(ToString::to_string).collect();
            let report = serde_json::json!({ "diagnostics": warnings, "components": components });
            print::out(&format!("{report:#}\n"));
        } else {
            failures.iter().for_each(|failure| print::error(failure));
        }
        if !failures.is_empty() {
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
                let report = serde_json::json!({ "diagnostics": diagnostics, "components": [] });
                print::out(&format!("{report:#}\n"));
            }
            _ => print::load_error(error),
        }
    }
}

/// Compiles and starts every version. What is compiled here is in the cache for `serve`.
fn load_components(config: &Config) -> Result<Vec<DeployError>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&config.state_dir).map_err(|error| error.to_string())?;
    let loader = loader(Some(&config.state_dir)).map_err(|error| error.to_string())?;
    let host = Host::new(loader);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let specs = config.components.values().cloned();
    let loaded = runtime.block_on(Deployments::default().next(specs, &host, at_once));
    runtime.shutdown_background();
    Ok(loaded.err().unwrap_or_default())
}
