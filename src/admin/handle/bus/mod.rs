//! The bus: how it stands, to send over it, to listen, and what was given up.

mod letters;
mod message;
mod publish;
mod request;
mod status;
mod watch;

pub(in crate::admin) use letters::{LetterParameters, discard, letters, redeliver};
pub(in crate::admin) use publish::{PublishParameters, publish};
pub(in crate::admin) use request::{RequestParameters, request};
pub(in crate::admin) use status::status;
pub(in crate::admin) use watch::{WatchParameters, watch};
