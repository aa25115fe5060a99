//! The promises of the room, each with the exact words an operator reads.

mod artifact_messages;
mod capability_messages;
mod capability_values;
mod component_messages;
mod delivery_messages;
mod delivery_values;
mod example;
mod file_grant_messages;
mod golden;
mod load;
mod network_messages;
mod outbound;
mod property;
mod route_messages;
mod schema;
mod secrets;
mod server_messages;
mod support;
mod token_messages;
mod values;

use support::{BASE, assert_adds, config, config_with, directory, first_lines, messages, parse_in};
