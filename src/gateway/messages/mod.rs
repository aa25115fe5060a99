//! Routes that lead to the bus: a request that becomes a message, one that waits for a reply,
//! and one that listens.

mod compose;
mod events;
mod fault;
mod post;
mod read;
mod reply;
#[cfg(test)]
mod stand_in;

pub(crate) use events::{EventsBody, Feeds, Ring, listen};
pub(crate) use post::{Post, Sent};
