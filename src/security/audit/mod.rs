//! The audit trail: what was denied, granted, deployed and administered, as events that are
//! kept in memory and on disk, both bounded.

mod event;
mod files;
mod flood;
mod query;
mod ring;
mod shared;
mod tail;
mod trail;
mod writer;

#[cfg(test)]
mod tests;

pub use event::{Event, Kind};
pub use query::Query;
pub use trail::Trail;
