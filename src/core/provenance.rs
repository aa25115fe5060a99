//! What must be known of an artifact before it may run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::ByteSize;

/// `[security]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPolicy {
    /// Every version must be pinned to a digest.
    pub require_digest: bool,
    /// Every version must be signed by one of `trusted_keys`.
    pub require_signature: bool,
    pub trusted_keys: Vec<TrustedKey>,
    /// Until the process that compiles a component is killed.
    pub compile_timeout: Duration,
    /// Memory that this process may use.
    pub compile_memory: ByteSize,
}

impl Default for ArtifactPolicy {
    fn default() -> Self {
        Self {
            require_digest: false,
            require_signature: false,
            trusted_keys: Vec::new(),
            compile_timeout: Duration::from_secs(120),
            compile_memory: ByteSize(4 << 30),
        }
    }
}

/// A public key whose signatures count.
#[derive(Clone, PartialEq, Eq)]
pub enum TrustedKey {
    /// As minisign prints it: `RW…`, 56 characters of base64.
    Minisign(String),
    /// `ed25519:` and 32 bytes in base64 (RFC 8032); its signatures are 64 bytes.
    Ed25519([u8; 32]),
}

/// Text that is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key is minisign's, which starts with `RW`, or `ed25519:` and 32 bytes in base64")]
pub struct TrustedKeyError;

impl FromStr for TrustedKey {
    type Err = TrustedKeyError;

    fn from_str(text: &str) -> Result<Self, TrustedKeyError> {
        let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| TrustedKeyError);
        if let Some(key) = text.strip_prefix("ed25519:") {
            let key = decode(key)?.try_into().map_err(|_| TrustedKeyError)?;
            return Ok(Self::Ed25519(key));
        }
        // Algorithm "Ed", 8 bytes of key id, 32 bytes of key.
        let bytes = decode(text)?;
        match bytes.len() == 42 && bytes.starts_with(b"Ed") {
            true => Ok(Self::Minisign(text.to_owned())),
            false => Err(TrustedKeyError),
        }
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minisign(text) => f.write_str(text),
            Self::Ed25519(key) => write!(f, "ed25519:{}", BASE64_STANDARD.encode(key)),
        }
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_nothing_else_is_one() {
        let minisign = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let ed25519 = format!("ed25519:{}", BASE64_STANDARD.encode([7; 32]));
        for text in [minisign, &ed25519] {
            let key: TrustedKey = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
        for bad in ["", "RW", "ed25519:", "ed25519:AAAA", &minisign[1..]] {
            assert_eq!(bad.parse::<TrustedKey>(), Err(TrustedKeyError), "{bad}");
        }
    }
}
