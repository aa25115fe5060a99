//! The other end of the admin API: where it is, who asks, what it answers.

mod address;
mod client;
mod credentials;
mod events;
mod failure;
mod file;
mod options;
mod read;
mod sse;
mod upload;

#[cfg(test)]
mod tests;

pub(super) use client::{Answer, Call, Client};
pub(super) use events::{Event, EventStream, Happening, is_passing};
pub(super) use failure::Failure;
pub(super) use options::AdminApi;
pub(super) use read::read_bounded;
pub(super) use upload::Upload;
