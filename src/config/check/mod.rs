//! Tables → the model: what one key cannot know alone. Defaults, files that must be there, keys
//! that exclude each other, names that must exist, routes that must differ.

mod actor;
mod admin;
mod affinity;
mod audience;
mod backoff;
mod bus;
mod capabilities;
mod component;
mod conflict;
mod elsewhere;
mod files;
mod headers;
mod instances;
mod limits;
mod messages;
mod mirror;
mod outbound;
mod planted;
mod ports;
mod rollout;
mod root;
mod route;
mod security;
mod server;
mod stores;
mod subscribe;
mod supervision;
mod target;
mod tls;
mod tokens;
mod version;
mod versions;
mod watched;

use files::Premises;
pub(super) use files::Surroundings;
pub(super) use root::check;
