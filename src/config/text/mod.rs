//! Texts with a meaning: each parses into a value that can be obeyed, or says why not.

mod grants;
mod host;
mod http;
mod names;
mod network;
mod path;
mod secret;
mod units;
mod words;

pub(super) use grants::{ConfigKey, GuestPath, GuestVariable};
pub(super) use host::CertificateName;
pub(super) use names::{FileName, FilePath, RouteName, VariableName};
pub(super) use network::AdminAddress;
pub(super) use path::{Prefix, StripPrefix};
pub(super) use secret::{Elsewhere, SecretSource, Secrets, TokenSource};
pub(super) use units::Timeout;
