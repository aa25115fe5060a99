//! The bytes of every version that may still serve, as they were verified.

mod entry;
mod error;
mod names;
mod store;

#[cfg(test)]
mod tests;

pub use error::VaultError;
pub use store::Vault;
