//! Plain Ed25519 signatures (RFC 8032): 64 bytes, which say nothing of their key.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::SignatureError;
use crate::core::TrustedKey;

const LENGTH: usize = 64;

/// The key that signed `bytes`.
pub(super) fn verify(
    keys: &[TrustedKey],
    bytes: &[u8],
    text: &str,
) -> Result<TrustedKey, SignatureError> {
    let signature = BASE64_STANDARD.decode(text);
    let Some(signature) = signature.ok().filter(|bytes| bytes.len() == LENGTH) else {
        return Err(SignatureError::Unreadable);
    };
    let mut known = 0;
    for trusted in keys {
        let TrustedKey::Ed25519(key) = trusted else {
            continue;
        };
        known += 1;
        let key = UnparsedPublicKey::new(&ED25519, key);
        if key.verify(bytes, &signature).is_ok() {
            return Ok(trusted.clone());
        }
    }
    Err(match known {
        0 => SignatureError::Untrusted {
            signer: "an Ed25519 key".into(),
        },
        // Whose it is cannot be seen, so another key and other bytes look the same.
        _ => SignatureError::Wrong {
            signer: "a trusted `ed25519:` key".into(),
        },
    })
}
