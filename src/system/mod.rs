//! The composition root: makes every part, joins them, and ends them in order.

mod changes;
mod chores;
mod node;
mod reload;
mod server;
mod signals;
mod start;
mod stores;
mod subscriptions;
mod threads;
mod watch;

pub use reload::ReloadError;
pub use server::{Addresses, Server};
pub use start::{StartError, loader};
