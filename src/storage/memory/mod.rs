//! A store that is gone with the process. Bounded by the quotas of those who use it.

mod content;
mod store;

pub use store::MemoryStore;
