//! Every change of versions and traffic, written down before it is made.

mod record;

pub use record::{Action, Record};
