//! The test language: a [`Gate`] is the built binary on ports of its own, with the guests of
//! `fixtures/` behind it, and everything a test wants to ask of it.

mod browser;
mod client;
mod delivery;
mod gate;
mod guest;
mod log;
mod metrics;
mod origin;
mod raw;
#[cfg(feature = "oci")]
pub mod registry;
pub mod tls;
mod wait;

pub use browser::Browser;
pub use client::{Answer, Connection, RequestBody, body, empty, get, streamed};
pub use delivery::{bytes_of, marked};
pub use gate::{Gate, Refusal, Setup, airgate, airgate_with, write_token};
pub use guest::{guest, interop, missing};
pub use log::Log;
pub use metrics::Metrics;
pub use origin::{Authority, Origin, collected, encoded};
pub use raw::{PREFACE, Raw};
pub use wait::{eventually, eventually_within, within};
