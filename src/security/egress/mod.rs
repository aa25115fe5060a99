//! What may leave: which grant covers a request or a connection, and which addresses no
//! grant reaches. Pure decisions, with one question to the kernel: is this address ours?

mod denied;
mod forbidden;
mod host;
mod policy;

#[cfg(test)]
mod tests;

pub use denied::{DenialReason, Denied};
pub use forbidden::Forbidden;
pub use host::CanonicalHost;
pub use policy::{Egress, NamesNeeded, SocketVerdict};
