//! A store in one redb file. What was acknowledged is on the disk: writes go through one thread
//! per store, which makes as many as wait durable at once; nobody else waits for the disk.
//! Reads look at the newest committed moment, which the writer shows before it acknowledges.
//! Small ones are made where they are asked for; see `haste.rs` for what that is bounded by.
//!
//! A file is verified when it is opened. Damage that comes later is seen in values and keys that
//! are there; in an inner page of the tree it can make a key look as if it were missing, until
//! the file is opened again: redb proves pages when it opens a file and at no other time.
//!
//! Each store caches at most 32 MiB of its file. A file that is damaged, of another version or
//! in somebody else's hands is left as it is: the store is there, and says so to everybody.

mod engine;
mod fault;
mod file;
mod haste;
mod open;
mod queue;
mod record;
mod restore;
mod shared;
mod slots;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;
mod trial;
mod view;
mod writer;

pub(super) use file::make_dir;
pub use store::EmbeddedStore;
