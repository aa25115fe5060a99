//! What the runtime must know of one request besides the request itself.

use std::time::Instant;

use crate::core::{Cohort, Forced, RequestId};

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
    /// The versions that it insists on, whatever its cohort says.
    pub forced: Forced,
    /// Calls between the edge and this one.
    pub depth: u8,
}

impl Origin {
    /// What is done for no request: preparing an instance, for one.
    pub const NONE: Self = Self {
        id: RequestId::NONE,
        cohort: Cohort::NONE,
        forced: Forced::NONE,
        depth: 0,
    };

    /// A request that has just come in.
    pub fn at_the_edge(id: RequestId, cohort: Cohort, forced: Forced) -> Self {
        Self {
            id,
            cohort,
            forced,
            depth: 0,
        }
    }

    /// What all requests in one instance have in common, since nobody can tell whose call an
    /// outbound request is: they are equally deep, so that loops end. A request that forces
    /// a version has no company: nobody else may be led where it goes.
    pub(super) fn company(&self) -> Option<u8> {
        self.forced.is_none().then_some(self.depth)
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
