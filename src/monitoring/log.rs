//! The log: to stderr, as JSON or text, by a thread of its own, so that a reader that
//! stops reading never stops a request. What does not fit into its queue is dropped.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    Json,
    Text,
}

/// Writes what is still queued when it is dropped.
pub struct LogGuard(
    #[allow(dead_code, reason = "held for its Drop")] tracing_appender::non_blocking::WorkerGuard,
);

/// Starts the log. `RUST_LOG` filters it; the default is `info`.
pub fn start_log(style: LogStyle) -> LogGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    #[allow(
        clippy::disallowed_methods,
        reason = "the terminal's setting: https://no-color.org"
    )]
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    // A second start, as tests do, keeps the first one's settings.
    let _ = match style {
        LogStyle::Json => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
        }
        LogStyle::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(colour).finish())
        }
    };
    LogGuard(guard)
}
