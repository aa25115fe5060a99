//! Whether an artifact is signed and pinned as the operator demands.

use super::{NotPinned, SignatureError, minisign, raw};
use crate::core::{ArtifactPolicy, ByteSize, Digest, TrustedKey};

/// More text is no signature: minisign's files have four lines, the longest of them a comment.
pub const SIGNATURE_LIMIT: ByteSize = ByteSize(64 << 10);

/// The trusted key that signed `bytes`; `None` where nobody need have. `signature` is the text
/// of a minisign file, or 64 bytes of Ed25519 in base64. Reads all of `bytes`: not for a thread
/// that serves.
///
/// A signature that is given must be right also where none is required, unless no key is trusted:
/// then nothing could be said about it.
///
/// # Errors
/// There is none where one is required, or it is by somebody else, or over something else.
pub fn verify_signature(
    policy: &ArtifactPolicy,
    bytes: &[u8],
    signature: Option<&str>,
) -> Result<Option<TrustedKey>, SignatureError> {
    let Some(text) = signature else {
        return match policy.require_signature {
            true => Err(SignatureError::Missing),
            false => Ok(None),
        };
    };
    if !policy.require_signature && policy.trusted_keys.is_empty() {
        return Ok(None);
    }
    if text.len() as u64 > SIGNATURE_LIMIT.0 {
        return Err(SignatureError::TooLong { length: text.len() });
    }
    let text = text.trim();
    match minisign::is_one(text) {
        true => minisign::verify(&policy.trusted_keys, bytes, text),
        false => raw::verify(&policy.trusted_keys, bytes, text),
    }
    .map(Some)
}

/// # Errors
/// A digest is required, and `pinned` is none.
pub fn require_pin(policy: &ArtifactPolicy, pinned: Option<Digest>) -> Result<(), NotPinned> {
    match policy.require_digest && pinned.is_none() {
        true => Err(NotPinned),
        false => Ok(()),
    }
}
