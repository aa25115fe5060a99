//! The promises of the room, each with the exact words an operator reads.

mod component_messages;
mod example;
mod golden;
mod load;
mod property;
mod route_messages;
mod schema;
mod server_messages;
mod support;
mod values;

use support::{BASE, assert_adds, config, config_with, directory, first_lines, messages, parse_in};
