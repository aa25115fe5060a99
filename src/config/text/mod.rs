//! Texts with a meaning: each parses into a value that can be obeyed, or says why not.

mod host;
mod http;
mod names;
mod network;
mod path;
mod token;
mod units;

pub(super) use host::CertificateName;
pub(super) use names::{FileName, FilePath, RouteName, VariableName};
pub(super) use network::AdminAddress;
pub(super) use path::{Prefix, StripPrefix};
pub(super) use token::TokenSource;
pub(super) use units::Timeout;
