//! Signatures as minisign writes them: four lines, with the id of the key that made them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minisign_verify::{Error, PublicKey, Signature};

use super::SignatureError;
use crate::core::TrustedKey;

/// Whether it is meant to be one; its first line always starts like this.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with("untrusted comment:")
}

/// The key that signed `bytes` and the trusted comment, prehashed or as older versions did.
pub(super) fn verify(
    keys: &[TrustedKey],
    bytes: &[u8],
    text: &str,
) -> Result<TrustedKey, SignatureError> {
    let unreadable = |_| SignatureError::Unreadable;
    let signature = Signature::decode(text).map_err(unreadable)?;
    let mut is_known = false;
    for trusted in keys {
        let TrustedKey::Minisign(key) = trusted else {
            continue;
        };
        let Ok(key) = PublicKey::from_base64(key) else {
            continue;
        };
        match key.verify(bytes, &signature, true) {
            Ok(()) => return Ok(trusted.clone()),
            Err(Error::UnexpectedKeyId) => {}
            // Another key may have the same id: ids are 8 bytes that nobody proves.
            Err(_) => is_known = true,
        }
    }
    let signer = signer(text);
    Err(match is_known {
        true => SignatureError::Wrong { signer },
        false => SignatureError::Untrusted { signer },
    })
}

/// Its key as minisign names it: the id, in hex, read as a little-endian number.
fn signer(text: &str) -> String {
    let line = text.lines().nth(1).unwrap_or_default();
    let bytes = BASE64_STANDARD.decode(line).unwrap_or_default();
    let id = bytes.get(2..10).unwrap_or_default().iter().rev();
    let id: String = id.map(|byte| format!("{byte:02X}")).collect();
    format!("minisign key {id}")
}
