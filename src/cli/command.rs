//! What a command line can say.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::{check, compile, inspect, schema, serve};
use crate::runtime::COMPILE_VERB;

/// Exit codes beside 0 and clap's 2.
pub(super) mod exit {
    pub const FAILED: u8 = 1;
    pub const INVALID_CONFIGURATION: u8 = 3;
}

/// A WASI edge gateway: HTTP routes to WebAssembly components, within limits.
#[derive(Parser)]
#[command(name = "airgate", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the routes of a configuration until told to stop
    Serve(serve::Serve),
    /// Check a configuration and everything it names, and compare imports with grants
    Check(check::Check),
    /// Show what a component exports and imports, and the grants it could use
    Inspect(inspect::Inspect),
    /// Print the JSON Schema of the configuration
    Schema,
    #[command(name = COMPILE_VERB, hide = true)]
    Compile(compile::Compile),
}

/// Where the configuration is.
#[derive(Args)]
pub(super) struct ConfigFile {
    /// The configuration file
    #[arg(
        long,
        short,
        default_value = "routes.toml",
        value_name = "FILE",
        env = "AIRGATE_CONFIG"
    )]
    pub config: PathBuf,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let code = match Cli::parse().verb {
        Verb::Serve(serve) => serve.run(),
        Verb::Check(check) => check.run(),
        Verb::Inspect(inspect) => inspect.run(),
        Verb::Schema => schema::run(),
        Verb::Compile(compile) => compile.run(),
    };
    ExitCode::from(code)
}
