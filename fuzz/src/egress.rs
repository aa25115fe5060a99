//! Grants → an egress policy.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use crate::core::{Grants, HttpGrant, SocketGrant};
use crate::security::{Egress, Forbidden};

/// The admin listener of every policy.
pub const ADMIN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9901));

pub fn egress(http: &[HttpGrant], sockets: &[SocketGrant], private_networks: bool) -> Egress {
    let grants = Grants {
        http: http.to_vec(),
        sockets: sockets.to_vec(),
        private_networks,
        ..Grants::default()
    };
    let forbidden = Forbidden::default();
    forbidden.set_admin([ADMIN]);
    Egress::new(&grants, Arc::new(forbidden))
}
