//! Components in OCI registries, pulled anonymously (distribution specification 1.1).
//!
//! The pull is ours, the names and manifests are `oci-client`'s: its own pull reads manifests,
//! tokens and errors whole, however long they are, and follows redirects out of https.

mod error;
mod image;
mod manifest;
mod pull;
#[cfg(test)]
mod tests;
mod token;

pub use error::ImageError;
pub(super) use pull::{fetch, signature};
