//! Detached signatures over artifacts, and the demands of `[security]`.

mod check;
mod error;
mod minisign;
mod raw;
#[cfg(test)]
mod tests;

pub use check::{SIGNATURE_LIMIT, require_pin, verify_signature};
pub use error::{NotPinned, SignatureError};
