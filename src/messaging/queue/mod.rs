//! What waits for one subscription, in bounds and in order. Plain data: nobody waits here.

mod chain;
mod entry;
mod lanes;
mod places;
mod slab;
mod state;

pub use entry::{Entry, NoRoom, Offer, Running, Ticket};
pub use state::{Queue, Settled};
