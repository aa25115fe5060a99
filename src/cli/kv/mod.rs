//! `airgate kv`: what is in the stores, and to edit, save and bring it back.

mod backup;
mod list;
mod place;
mod restore;
mod saved;
mod stores;
mod value;
mod verb;

pub(super) use verb::Kv;
