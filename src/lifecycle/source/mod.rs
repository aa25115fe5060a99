//! Where artifacts and their signatures come from: files, https and OCI registries.

mod client;
mod download;
mod error;
mod file;
#[cfg(feature = "oci")]
mod oci;
mod place;
mod sources;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

pub(super) use client::{built, client, reason};
pub use error::SourceError;
pub use file::read_path;
#[cfg(feature = "oci")]
pub use oci::ImageError;
pub(super) use place::shown;
pub use sources::Sources;
