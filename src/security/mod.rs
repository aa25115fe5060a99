//! What is checked before it is believed, what may leave, and what is remembered of it.

mod audit;
mod digest;
mod egress;
mod secret;
mod signature;
mod text;
mod token;

pub use audit::{Event as AuditEvent, Kind as AuditKind, Query as AuditQuery, Trail as AuditTrail};
pub use digest::{DigestMismatch, digest, verify};
pub use egress::{
    CanonicalHost, DenialReason, Denied, Egress, Forbidden, NamesNeeded, SocketVerdict,
};
pub use secret::place_secret;
pub use signature::{NotPinned, SIGNATURE_LIMIT, SignatureError, require_pin, verify_signature};
pub(crate) use text::bounded;
pub use token::{TokenSet, random_token};
