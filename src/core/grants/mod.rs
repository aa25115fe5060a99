//! What a component may touch, as plain data: absent means denied.

mod kinds;
mod text;

pub use kinds::{
    FileGrant, FileMode, GrantMode, Grants, HostGrant, HttpGrant, HttpScheme, PortGrant, Secret,
    SocketGrant, Transport,
};
pub use text::GrantError;
