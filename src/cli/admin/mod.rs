//! The other end of the admin API: where it is, who asks, what it answers.

mod address;
mod client;
mod credentials;
mod events;
mod failure;
mod feed;
mod file;
mod options;
mod read;
mod sse;
mod upload;

#[cfg(test)]
mod tests;

pub(super) use client::{Answer, Call, Client, Raw};
pub(super) use events::{Event, EventStream, Happening};
pub(super) use failure::Failure;
pub(super) use feed::{Feed, Told, is_passing, missed};
pub(super) use options::AdminApi;
pub(super) use read::{read_all, read_bounded};
pub(super) use upload::Upload;
