//! How the admin API answers: what was asked for, or why not.

mod bus;
mod change;
mod problem;
mod reply;
mod store;

pub(super) use problem::{Problem, ProblemDocument, is_refusal, title};
pub(super) use reply::{
    accepted, bytes, created, done, not_modified, not_ready, stored, tagged, text,
};
