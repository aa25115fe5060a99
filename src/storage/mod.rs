//! Keys and values that last: in memory, or in a file that survives `kill -9` and power loss.
//!
//! Every component has a namespace of its own in a store. What it may have is bounded by its quota,
//! what waits to be written by the store's queue, what is cached of a file by its page cache.
//! Nothing here serves what it cannot prove to be what was written.

mod backup;
mod clock;
#[cfg(test)]
mod contract;
mod decide;
mod embedded;
mod feed;
mod limits;
mod memory;
mod set;

pub use backup::{BackupError, encode, restore};
pub use embedded::EmbeddedStore;
pub use memory::MemoryStore;
pub use set::StoreSet;
