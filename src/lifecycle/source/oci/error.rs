//! What is wrong with an image, or with the registry that has it.

use crate::core::Digest;

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("this is no image: {0}; write registry/name:tag or registry/name@sha256:…")]
    Name(String),
    #[error("the digest of an image must be sha256")]
    Algorithm,
    #[error("the registry has no such image, tag or digest")]
    Absent,
    #[error("the registry wants credentials, and images are pulled anonymously: it must be public")]
    Private,
    #[error("the registry sent a {what} with the digest {actual} instead of {named}")]
    OtherDigest {
        what: &'static str,
        named: Digest,
        actual: Digest,
    },
    #[error("the registry sent {actual} bytes of a layer that has {named} by its manifest")]
    OtherSize { named: u64, actual: u64 },
    #[error("the registry sent more of a layer than the {named} bytes of its manifest")]
    MoreThanNamed { named: u64 },
    #[error("it is an index of several images; name one of them by its digest")]
    Index,
    #[error("its manifest cannot be read: line {line}, column {column} is not as it should be")]
    Manifest { line: usize, column: usize },
    #[error("its manifest has the version {0}, not 2")]
    SchemaVersion(u8),
    /// Image specification: sizes are not negative, digests name their algorithm.
    #[error("its manifest names a layer without a sha256 digest and a size")]
    Layer,
    #[error(
        "it has {found} layers of WebAssembly (application/wasm) among {all}; a component is one"
    )]
    Layers { found: usize, all: usize },
    #[error("the registry sends us for a token to {0}, which is not https")]
    TokenElsewhere(String),
    #[error("the registry gave no token that can be used")]
    NoToken,
}
