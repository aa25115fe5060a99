//! The gateway through its real boundaries: sockets, the built binary, real components.

mod support;

mod admin;
mod audit;
mod bus;
mod calls;
mod cli;
mod commands;
mod compiling;
mod delivery;
mod delivery_api;
mod descriptors;
mod embedding;
mod faults;
mod files;
mod fixtures;
mod hostile;
mod instances;
mod interop;
mod leaks;
mod lifecycle;
mod limits;
mod loading;
mod malformed;
mod outbound;
#[cfg(feature = "oci")]
mod registry;
mod routing;
mod serving;
mod slow;
mod stores;
mod supervision;
mod tls;
mod traffic;
mod values;
