//! The command line: one file a verb.

mod admin;
mod bus;
mod check;
mod command;
mod compile;
mod deploy;
mod drain;
mod events;
mod input;
mod inspect;
mod kv;
mod names;
mod print;
mod reload;
mod rollback;
mod rollout;
mod routes;
mod running;
mod schema;
mod segment;
mod serve;
mod status;
mod steer;
mod supervise;
mod table;
mod terminal;
mod traffic;
mod versions;

pub use command::run;

use command::{ConfigFile, exit};
