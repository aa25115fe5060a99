//! The admin API: what operators and their tools ask of a running node.

mod audit;
mod auth;
mod listen;
mod problem;
mod router;
mod views;

pub use auth::AdminToken;
pub use listen::{AdminListenError, AdminListener};
pub use router::{Node, Readiness, ReloadFailure, router};
