//! Why an artifact may not run, and what to do about it.

use super::SIGNATURE_LIMIT;

/// A signature that does not let its artifact run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error(
        "it is not signed, and [security] requires a signature; sign it (`minisign -S -m FILE`) \
         and give the signature along, or put it beside the source under its name and `.minisig`"
    )]
    Missing,
    #[error(
        "its signature is by {signer}, which is not among the `trusted_keys` of [security]; \
         sign it with a trusted key, or add that key"
    )]
    Untrusted { signer: String },
    #[error(
        "its signature does not fit: these are not the bytes that {signer} signed; \
         fetch the artifact and its signature again, or sign what is to run"
    )]
    Wrong { signer: String },
    #[error(
        "its signature cannot be read; it must be the text of a minisign file, or 64 bytes \
         of Ed25519 (RFC 8032) in base64"
    )]
    Unreadable,
    #[error(
        "its signature has {length} bytes, and none has more than {SIGNATURE_LIMIT}; \
         give the text of a minisign file, or 64 bytes of Ed25519 in base64"
    )]
    TooLong { length: usize },
}

/// A version without a digest where one is required.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not pinned, and [security] requires a digest; \
     add `digest = \"sha256:…\"`, which `airgate inspect FILE` prints"
)]
pub struct NotPinned;
