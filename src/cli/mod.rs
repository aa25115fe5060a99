//! The command line: one file a verb.

mod admin;
mod check;
mod command;
mod compile;
mod deploy;
mod drain;
mod events;
mod inspect;
mod names;
mod print;
mod reload;
mod rollback;
mod rollout;
mod routes;
mod schema;
mod serve;
mod status;
mod steer;
mod table;
mod terminal;
mod traffic;
mod versions;

pub use command::run;

use command::{ConfigFile, exit};
