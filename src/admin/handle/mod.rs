//! What each endpoint does.

mod ask;
mod live;

pub(super) mod audit;
pub(super) mod bus;
pub(super) mod components;
pub(super) mod delivery;
pub(super) mod deploy;
pub(super) mod events;
pub(super) mod node;
pub(super) mod steer;
pub(super) mod stores;
pub(super) mod traffic;
