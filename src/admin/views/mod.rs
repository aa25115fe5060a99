//! What the admin API shows.

mod audit;
mod body;
mod bus;
mod component;
mod history;
mod node;
mod route;
mod run;
mod store;

pub(super) use audit::{AuditEntry, AuditView};
pub(super) use bus::{
    BusView, DeadLetterView, DeadLettersView, MessageView, PublishAnswer, Published, PublishedMany,
    Redelivered,
};
pub(super) use component::ComponentView;
pub(super) use history::HistoryEntry;
pub(super) use node::{Draining, Reloaded};
pub(super) use route::RouteView;
pub(super) use store::{Incremented, KeysView, Restored, StoreView, StoresView};
