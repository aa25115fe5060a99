//! The command line: one file a verb.

mod check;
mod command;
mod compile;
mod inspect;
mod print;
mod schema;
mod serve;

pub use command::run;

use command::{ConfigFile, exit};
