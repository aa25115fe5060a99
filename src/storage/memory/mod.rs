//! A store that is gone with the process. Bounded by the quotas of those who use it, and by
//! 1 GiB for all that a restore brings.

mod content;
mod store;

pub use store::MemoryStore;
