//! Who may ask, from where, and what is remembered of it.

mod bearer;
mod hosts;
mod record;
mod tokens;

pub(super) use bearer::{Bearer, require};
pub(super) use hosts::refuse_strangers;
pub(super) use record::record;

pub use hosts::Hosts;
pub use tokens::{AdminTokens, TokensError};
