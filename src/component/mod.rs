//! Hosting: the versions of components, the pool of their instances, and their leases.

mod actor;
mod fleet;
mod host;
mod maker;
mod pool;
mod seats;
mod slots;
mod supervisor;
mod version;

#[cfg(test)]
mod tests;

pub use crate::runtime::{
    Artifact, BodyError, Call, InvokeError, Missing, NoSuchPeer, Overview, PeerBody, PeerCall,
    Peers, RequestBody, RequestWatch, ResponseBody, Scheme,
};
pub(crate) use actor::{key_of_message, key_of_request};
pub use host::{Host, HostingError};
pub use supervisor::Superior;
pub use version::Version;
