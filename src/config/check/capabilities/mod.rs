//! `[component.NAME.capabilities]`: grants that lead nowhere, or farther than they seem to.

mod covered;
mod directory;
mod files;
mod grants;
mod network;
mod peers;
mod values;

pub(super) use grants::grants;
