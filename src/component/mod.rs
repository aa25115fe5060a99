//! Hosting: the versions of components, the pool of their instances, and their leases.

mod host;
mod pool;
mod seats;
mod version;

pub use crate::runtime::{
    Artifact, BodyError, Call, InvokeError, Missing, NoSuchPeer, PeerBody, PeerCall, Peers,
    RequestBody, RequestWatch, ResponseBody, Scheme,
};
pub use host::{Host, HostingError};
pub use version::Version;
