//! How the admin API answers: what was asked for, or why not.

mod change;
mod problem;
mod reply;

pub(super) use problem::{Problem, ProblemDocument, is_refusal, title};
pub(super) use reply::{accepted, created, not_modified, not_ready, tagged, text};
