//! What is checked before it is believed. Grants, egress policy and the audit trail
//! arrive with the capabilities.

mod digest;
mod secret;
mod token;

pub use digest::{DigestMismatch, digest, verify};
pub use secret::place_secret;
pub use token::{TokenCheck, random_token};
