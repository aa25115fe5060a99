//! Texts with a meaning: each parses into a value that can be obeyed, or says why not.

mod grants;
mod host;
mod http;
mod key;
mod names;
mod network;
mod numbers;
mod path;
mod secret;
mod source;
mod topic;
mod units;
mod url;
mod words;

pub(super) use grants::{ConfigKey, GuestPath, GuestVariable};
pub(super) use host::{AdminHost, CertificateName};
pub(super) use key::{KeySource, TrustedKeys};
pub(super) use names::{
    CookieName, FieldName, FileName, FilePath, RouteName, TokenName, VariableName,
};
pub(super) use network::AdminAddress;
pub(super) use numbers::{AtMost, Factor, Percent, Share, Step, UpTo};
pub(super) use path::{Prefix, StripPrefix};
pub(super) use secret::{Elsewhere, NamedTokens, SecretSource, Secrets, TokenSource};
pub(super) use source::ArtifactSource;
pub(super) use units::Timeout;
pub(super) use url::HttpUrl;
pub(super) use words::BusBackend;
