//! What a request says, checked before anybody acts on it.

mod body;
mod digest;
mod flow;
mod json;
mod media;
mod parameters;
mod path;
mod precondition;
mod reason;
mod signature;
mod time;

pub(super) use body::{Pace, collect};
pub(super) use digest::content_digest;
pub(super) use flow::{FlowError, flow};
pub(super) use json::JsonBody;
pub(super) use media::BodyKind;
pub(super) use parameters::{Parameters, text, word};
pub(super) use path::{BackupPath, ComponentPath, KeyPath, LetterPath, SpacePath, VersionPath};
pub(super) use precondition::{EntityTag, Premise, expected_generation, is_known};
pub(super) use reason::Reason;
pub(super) use signature::signature;
pub(super) use time::Time;
