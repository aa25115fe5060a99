//! The promises of the room, each with the exact words an operator reads.

mod actor_messages;
mod artifact_messages;
mod bus_messages;
mod bus_values;
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
mod store_messages;
mod supervision_messages;
mod support;
mod token_messages;
mod topic_route_messages;
mod values;

use support::{BASE, assert_adds, config, config_with, directory, first_lines, messages, parse_in};
