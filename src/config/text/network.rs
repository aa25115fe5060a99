//! Addresses and networks.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::read::{Refusal, Text};

use super::FilePath;

impl Text for SocketAddr {
    const NOUN: &'static str = "an address with a port";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = match text.strip_prefix(':') {
            Some(port) => format!(
                "for every address of this machine write \"0.0.0.0:{port}\" or \"[::]:{port}\""
            ),
            None => {
                "expected one such as \"127.0.0.1:8080\" or \"[::1]:8080\"; names are not looked up"
                    .into()
            }
        };
        text.parse().map_err(|_| Refusal::expecting(example))
    }
}

impl Text for IpNet {
    const NOUN: &'static str = "a network";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        let example = "expected one such as \"10.0.0.0/8\", \"fd00::/8\" or \"192.0.2.7\"";
        text.parse()
            .or_else(|_| one())
            .map_err(|_| Refusal::expecting(example))
    }
}

/// Where the admin API listens, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum AdminAddress {
    Off,
    Tcp(SocketAddr),
    /// Relative to the file.
    Unix(PathBuf),
}

impl Text for AdminAddress {
    const NOUN: &'static str = "an admin address";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example =
            "expected one such as \"127.0.0.1:9901\", \"unix:state/admin.sock\" or \"off\"";
        match text.strip_prefix("unix:") {
            Some("") => Err(Refusal::expecting(example)),
            Some(path) => FilePath::parse(path).map(|path| Self::Unix(path.0)),
            None if text == "off" => Ok(Self::Off),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| Refusal::expecting(example)),
        }
    }
}
