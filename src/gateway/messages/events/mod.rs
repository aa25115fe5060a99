//! `events = PATTERN`: messages as Server-Sent Events (WHATWG HTML §9.2).
//!
//! ```text
//! bus ── feed (one subscription) ──▶ ring (bounded history) ◀── listener, listener, … (a cursor each)
//! ```

mod encode;
mod feed;
mod listener;
mod position;
mod ring;

pub(crate) use feed::Feeds;
pub(crate) use listener::{EventsBody, listen};
pub(crate) use ring::Ring;
