//! A store outside of any store: lines of JSON that a person can read.
//!
//! ```text
//! {"format":"airgate-store","version":1,"store":"default","taken":"2026-01-31T12:00:00.000Z"}
//! {"space":"cart","key":"user-1","value":"aGVsbG8="}
//! {"space":"cart","key":"user-2","value":"d29ybGQ=","expires":"2026-01-31T13:00:00.000Z"}
//! {"records":2,"sha256":"9f2c…"}
//! ```
//!
//! The last line says how many records there are, and has the hash of every byte before it: a
//! backup that is cut off or altered is refused as a whole. Values are in base64; records are in
//! the order of namespace and key, each once.

mod decode;
mod encode;
mod lines;
#[cfg(test)]
mod tests;

pub use decode::{BackupError, restore};
pub use encode::encode;
