//! Why an artifact, or its signature, cannot be had.

use std::path::PathBuf;
use std::time::Duration;

use crate::core::{ByteSize, format_duration};

/// Names where it should have come from: as a path, or as a URL without what may be secret in it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("cannot read {}: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    /// A directory, a device or a pipe, which may never end.
    #[error("{} is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("{place} is larger than the {limit} that {what} may have")]
    TooLarge {
        place: String,
        what: &'static str,
        limit: ByteSize,
    },
    #[error("{place} is not text")]
    NotText { place: String },
    #[error("{place} is not an https:// URL")]
    NotHttps { place: String },
    #[error("{place} answered with status {status}")]
    Status { place: String, status: u16 },
    /// Not reached, not trusted, or broken off.
    #[error("{place} cannot be fetched: {reason}")]
    Transfer { place: String, reason: String },
    #[error("{place} was not fetched within {}", format_duration(*.after))]
    Late { place: String, after: Duration },
    /// Only [`Sources`](super::Sources) asks the network.
    #[error("{place} is not a path, and nothing is fetched here")]
    NotAPath { place: String },
    #[error("no certificate in {}", path.display())]
    NoCertificate { path: PathBuf },
    #[error("no client for https: {0}")]
    Client(String),
    #[cfg(feature = "oci")]
    #[error("oci://{image}: {reason}")]
    Image {
        image: String,
        #[source]
        reason: Box<super::ImageError>,
    },
    #[cfg(not(feature = "oci"))]
    #[error("oci://{image} cannot be fetched: this program was built without the feature `oci`")]
    BuiltWithoutOci { image: String },
    #[error("the process is ending")]
    Interrupted,
}
