//! Artifact digests: sha256 over exactly the bytes that will run.

use sha2::{Digest as _, Sha256};

use crate::core::Digest;

/// The bytes are not those that were named.
#[derive(Debug, thiserror::Error)]
#[error("its digest is {actual}, not the pinned {pinned}")]
pub struct DigestMismatch {
    pub pinned: Digest,
    pub actual: Digest,
}

pub fn digest(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

/// # Errors
/// The digest of `bytes` is not `pinned`.
pub fn verify(bytes: &[u8], pinned: Option<Digest>) -> Result<Digest, DigestMismatch> {
    let actual = digest(bytes);
    match pinned {
        Some(pinned) if pinned != actual => Err(DigestMismatch { pinned, actual }),
        _ => Ok(actual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_bytes_pass() {
        let pinned = digest(b"component");
        assert_eq!(verify(b"component", Some(pinned)).unwrap(), pinned);
        assert_eq!(
            verify(b"Component", Some(pinned)).unwrap_err().pinned,
            pinned
        );
        assert!(verify(b"anything", None).is_ok());
    }
}
