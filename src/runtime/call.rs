//! What the runtime must know of one request besides the request itself.

use std::time::Instant;

use crate::core::Origin;

/// One request's identity and the clock its deadlines count from.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub origin: Origin,
    pub arrived: Instant,
    pub scheme: Scheme,
}

/// How the client reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
