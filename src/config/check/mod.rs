//! Tables → the model: what one key cannot know alone. Defaults, files that must be there, keys
//! that exclude each other, names that must exist, routes that must differ.

mod admin;
mod affinity;
mod capabilities;
mod component;
mod conflict;
mod elsewhere;
mod files;
mod headers;
mod limits;
mod mirror;
mod outbound;
mod planted;
mod ports;
mod rollout;
mod root;
mod route;
mod security;
mod server;
mod target;
mod tls;
mod tokens;
mod version;
mod versions;
mod watched;

use files::Premises;
pub(super) use files::Surroundings;
pub(super) use root::check;
