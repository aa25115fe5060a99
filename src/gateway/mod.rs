//! The front door: from a socket to a route, and from a fault to a status code.
//!
//! ```text
//! accept   permit, accept, nodelay, to a serving thread
//!  └ conn          TLS handshake, protocol detection, hyper, watchdog
//!     └ service    request id → admission, metrics, access log → dispatch
//!        ├ head        is this a request HTTP allows, and what does it ask for
//!        ├ router      find(host, method, path, headers) → entry
//!        ├ dispatch    entry → component, message, fixed answer or file
//!        └ respond     Err(Fault) → response
//! ```

mod accept;
mod affinity;
mod body;
mod conn;
mod dispatch;
mod files;
mod forced;
mod forwarded;
mod gate;
mod head;
mod io;
mod messages;
mod mirror;
mod observe;
mod respond;
mod router;
mod service;
mod snapshot;
mod streams;
mod tls;
mod watchdog;
mod workers;

pub use accept::{BindError, Bound, Listeners, Socket};
pub use gate::Gate;
pub use router::{RouteError, Router};
pub use snapshot::Snapshot;
pub use tls::{CertificateError, TlsSettings, certificate_files};
pub use workers::Workers;
