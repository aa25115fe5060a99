//! The admin API: what operators and their tools ask of a running node.

mod access;
mod answer;
mod api;
mod handle;
mod listen;
mod node;
mod patient;
mod request;
mod serve;
mod views;

pub use access::{AdminTokens, Hosts, TokensError};
pub use api::{Settings, router};
pub use listen::{AdminListenError, AdminListener};
pub use node::{Node, Readiness, ReloadFailure};
