//! Tables → the model: what one key cannot know alone. Defaults, files that must be there, keys
//! that exclude each other, names that must exist, routes that must differ.

mod admin;
mod capabilities;
mod component;
mod conflict;
mod elsewhere;
mod files;
mod headers;
mod limits;
mod outbound;
mod planted;
mod ports;
mod root;
mod route;
mod server;
mod target;
mod tls;
mod versions;
mod watched;

use files::Premises;
pub(super) use files::Surroundings;
pub(super) use root::check;
