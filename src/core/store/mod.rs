//! Keys and values, as plain data, and a store as everybody meets it.

mod contract;
mod error;
mod name;
mod policy;

pub use contract::{
    Backup, KeyPage, KvStore, Record, Records, Revision, StoreFuture, Stored, Stores, Swap, Usage,
    Write,
};
pub use error::StoreError;
pub use name::{Key, KeyError, StoreName, StoreNameError};
pub use policy::{KvAccess, Quota, StoreBackend, StoreSpec};
