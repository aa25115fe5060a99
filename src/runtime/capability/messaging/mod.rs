//! `publish` and `request`: messages to granted topics, by three interfaces that mean the same.
//!
//! ```text
//! wasi, wasmcloud, airssys   what a guest calls, and the words that its interface has for errors
//!  └ outbox                    topic → grant → allowance → message → bus
//!     ├ failure                  why not
//!     ├ held                     messages in the hands of a guest
//!     └ pending                  requests that it does not wait for
//! ```
//!
//! A reply needs no grant: nobody can guess the address, so whoever has it was given it.

mod airssys;
mod failure;
mod held;
mod letter;
mod outbox;
mod pending;
mod publish;
mod request;
#[cfg(test)]
mod tests;
mod wasi;
mod wasmcloud;

pub use held::HeldMessage;
pub(in crate::runtime) use held::Mail;
pub use pending::PendingReply;
pub(super) use publish::Publish;
pub(super) use request::Request;
pub use wasi::{Client, ReplyOptions};
