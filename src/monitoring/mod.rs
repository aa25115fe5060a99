//! What can be seen from outside: metrics, the log, one line a request.

mod access;
mod bus;
mod client;
mod denial;
mod guest;
mod http;
mod log;
mod mirror;
mod names;
mod reading;
mod recorder;
mod rollouts;
mod sent;
mod series;
mod store;
mod store_usage;
mod supervision;
mod tally;

pub use access::{AccessLine, log_access};
pub use bus::BusMetrics;
pub use client::{ClientFailure, ClientMetrics};
pub use denial::DenialMetrics;
pub use guest::{GuestMetrics, InstanceCounts, instantiate_seconds};
pub use http::{HttpMetrics, Protocol, RouteMetrics, Sample};
pub use log::{LogGuard, LogStyle, start_log};
pub use mirror::{MirrorMetrics, Mirrored};
pub use names::{CONFIG_LAST_RELOAD_SUCCESS, CONNECTION_ERRORS, TLS_CERT_EXPIRY};
pub use reading::Reading;
pub use recorder::{Recorder, RecorderError};
pub use rollouts::count_rollout;
pub use sent::{SendKind, SendMetrics, SendResult};
pub use store::{MeasuredBackup, MeasuredStore};
pub use store_usage::StoreUsage;
pub use supervision::SupervisionMetrics;
pub use tally::{Ending, Tally};
