//! What guests ask of others over HTTP.
//!
//! ```text
//! outgoing   wasi:http's hooks: counts, finds the target, asks for the grant
//!  ├ peers     NAME.internal: another component, in this process
//!  └ client    everything else: a pool of connections a component and thread
//!     └ connect   resolve, check every address, connect, check again, TLS
//!        └ network   settings, name servers, trusted authorities: one for all components
//! ```

mod body;
mod client;
mod connect;
mod failure;
mod network;
mod outgoing;
mod peers;
mod target;

pub use network::{Network, NetworkError};
pub use peers::{NoSuchPeer, PeerBody, PeerCall, Peers};

pub(super) use client::Clients;
pub(super) use failure::label as failure_label;
pub(super) use outgoing::{COMPONENTS, HTTP, Outgoing};
