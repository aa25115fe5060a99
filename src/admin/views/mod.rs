//! What the admin API shows.

mod audit;
mod component;
mod history;
mod node;
mod route;

pub(super) use audit::{AuditEntry, AuditView};
pub(super) use component::ComponentView;
pub(super) use history::HistoryEntry;
pub(super) use node::{Draining, Reloaded};
pub(super) use route::RouteView;
