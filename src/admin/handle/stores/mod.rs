//! Stores: what is in them, and to edit, save and bring it back.

mod backup;
mod keys;
mod list;
mod value;
mod write;

pub(in crate::admin) use backup::{backup, restore};
pub(in crate::admin) use keys::{KeyParameters, keys};
pub(in crate::admin) use list::list;
pub(in crate::admin) use value::{Increment, ValueParameters, delete, get, increment, put};
