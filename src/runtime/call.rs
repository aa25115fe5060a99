//! What the runtime must know of one request besides the request itself.

use std::time::Instant;

use crate::core::{Cohort, RequestId};

/// One request's identity and the clock its deadlines count from.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub origin: Origin,
    pub arrived: Instant,
    pub scheme: Scheme,
}

/// Where a call comes from: the same for every call that one request causes, but for its
/// depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Of the request at the edge.
    pub id: RequestId,
    /// The version choice that follows it.
    pub cohort: Cohort,
    /// Calls between the edge and this one.
    pub depth: u8,
}

impl Origin {
    /// What is done for no request: preparing an instance, for one.
    pub const NONE: Self = Self {
        id: RequestId::NONE,
        cohort: Cohort::NONE,
        depth: 0,
    };

    /// A request that has just come in.
    pub fn at_the_edge(id: RequestId, cohort: Cohort) -> Self {
        Self {
            id,
            cohort,
            depth: 0,
        }
    }

    /// A call that is made for this one.
    pub fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
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
