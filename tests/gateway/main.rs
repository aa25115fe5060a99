//! The gateway through its real boundaries: sockets, the built binary, real components.

mod support;

mod admin;
mod cli;
mod descriptors;
mod faults;
mod files;
mod fixtures;
mod instances;
mod interop;
mod leaks;
mod lifecycle;
mod limits;
mod loading;
mod malformed;
mod routing;
mod serving;
mod slow;
mod tls;
