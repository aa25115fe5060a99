//! Instances that keep what they know: one of a version, or one for each key.
//!
//! ```text
//! key       request or message → which actor
//!  └ table    which actors there are, who is idle, who makes room
//!     └ mailbox  one call after the other
//!        └ lease    the instance for one call, and how it went
//! ```

mod actors;
mod key;
mod lease;
mod mailbox;
mod table;

pub(super) use actors::Actors;
pub(crate) use key::{key_of_message, key_of_request};
