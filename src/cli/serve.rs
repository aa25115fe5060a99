//! `airgate serve`: the gateway itself.

use clap::Args;

use super::{ConfigFile, exit, print};
use crate::config::{self, Config, LogFormat};
use crate::monitoring::{LogStyle, start_log};
use crate::runtime::{Capabilities, Compiler};
use crate::system::{Addresses, Server, StartError};

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
}

impl Serve {
    pub fn run(self) -> u8 {
        let (config, warnings) = match config::load(&self.file.config) {
            Ok(loaded) => loaded,
            Err(error) => {
                print::load_error(&error);
                return exit::INVALID_CONFIGURATION;
            }
        };
        print::diagnostics(&warnings);
        let style = match config.telemetry.log_format {
            LogFormat::Json => LogStyle::Json,
            LogFormat::Text => LogStyle::Text,
        };
        let _log = start_log(style);
        report_panics();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // Connections and messages have threads of their own; here is the rest: admin, reload,
            // signals.
            .worker_threads(2)
            .thread_name("airgate")
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => {
                let code = runtime.block_on(serve(config));
                // Guests that still run are cut off here.
                runtime.shutdown_background();
                code
            }
            Err(error) => {
                print::error(&error);
                exit::FAILED
            }
        }
    }
}

async fn serve(config: Config) -> u8 {
    let compiler = Compiler::of_this_program();
    let started = Server::start_with(config, Capabilities::standard(), compiler).await;
    let server = match started {
        Ok(server) => server,
        Err(error) => {
            print::error(&error);
            return match error {
                StartError::Config(_) => exit::INVALID_CONFIGURATION,
                _ => exit::FAILED,
            };
        }
    };
    announce(server.addresses());
    if server.run().await { 0 } else { exit::FAILED }
}

/// One line a listener, for people and for scripts that asked for port 0.
fn announce(addresses: &Addresses) {
    for socket in &addresses.sockets {
        let scheme = if socket.tls { "https" } else { "http" };
        print::out(&format!("listening on {scheme}://{}\n", socket.address));
    }
    if let Some(admin) = addresses.admin {
        print::out(&format!("admin on http://{admin}\n"));
    }
}

/// A panic is a bug of ours: it ends one task, and the log says where.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(place, message, "panic: please report this");
    }));
}
