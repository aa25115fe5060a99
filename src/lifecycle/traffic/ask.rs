//! What the front door knows of a request that decides which version it meets.

use crate::core::{Forced, RequestId};

#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub id: RequestId,
    /// A hash of what the client is known by; `None`: it is anybody.
    pub key: Option<u64>,
    /// The versions that it insists on.
    pub forced: Forced,
}
