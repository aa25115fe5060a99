//! Grants as routes.toml writes them → a policy.

use std::sync::Arc;

use crate::core::{Grants, HttpScheme};
use crate::security::egress::{DenialReason, Egress, Forbidden};

/// The admin listener of every test.
pub const ADMIN: &str = "127.0.0.1:9901";

/// Every way to write loopback that some parser or resolver takes.
pub const LOOPBACK: [&str; 18] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0x7f.1",
    "127.0.0.0x1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
];

pub fn egress(http: &[&str], sockets: &[&str], private_networks: bool) -> Egress {
    let grants = Grants {
        http: http.iter().map(|text| text.parse().unwrap()).collect(),
        sockets: sockets.iter().map(|text| text.parse().unwrap()).collect(),
        private_networks,
        ..Grants::default()
    };
    let forbidden = Forbidden::default();
    forbidden.set_admin([ADMIN.parse().unwrap()]);
    Egress::new(&grants, Arc::new(forbidden))
}

/// The grant that covers `https://host:443`, as text.
pub fn https(egress: &Egress, host: &str) -> Result<String, DenialReason> {
    request(egress, host, 443)
}

pub fn request(egress: &Egress, host: &str, port: u16) -> Result<String, DenialReason> {
    match egress.request(HttpScheme::Https, host, port) {
        Ok(grant) => Ok(grant.to_string()),
        Err(denied) => Err(denied.reason),
    }
}
