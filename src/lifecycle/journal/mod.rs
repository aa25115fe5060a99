//! Every change of versions and traffic, written down before it is made.

mod book;
mod draft;
mod error;
mod files;
mod history;
mod ledger;
mod line;
mod log;
mod record;
mod replay;
mod rotation;

#[cfg(test)]
mod tests;

pub use book::Journal;
pub use draft::Draft;
pub use error::JournalError;
pub use ledger::Ledger;
pub use record::{Action, Record};
