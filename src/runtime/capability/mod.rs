//! What a guest can be granted: one file a capability, and the list of all.
//!
//! A capability says by which key it is granted, which imports it stands behind, how it is
//! linked, and what of it one instance gets. An import that no capability stands behind is
//! harmless (`wasi:io`, stdout) and linked for everybody.

mod base;
mod clocks;
mod components;
mod config;
mod environment;
mod files;
mod http;
mod keyvalue;
mod kind;
mod list;
mod logging;
pub(super) mod messaging;
mod needs;
mod random;
mod services;
mod sockets;
mod stub;
#[cfg(test)]
pub(super) mod testing;

pub use kind::{Capability, Preparation};
pub use list::Capabilities;
pub use needs::{Missing, Needs};

pub(super) use base::link as link_base;
pub(super) use keyvalue::{StoreAlarm, StoreState};
pub(super) use stub::stub_out;
