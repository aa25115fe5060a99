//! Where a call or a message comes from.

use std::num::NonZeroU32;

use super::{Cohort, Forced, RequestId};

/// The same for every call and message that one request causes, but for its depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Of the request at the edge.
    pub id: RequestId,
    /// The version choice that follows it.
    pub cohort: Cohort,
    /// The versions that it insists on, whatever its cohort says.
    pub forced: Forced,
    /// Calls and messages between the edge and this one.
    pub depth: u8,
}

impl Origin {
    /// Calls and messages that cause each other, one inside the other.
    pub const MAX_DEPTH: u8 = 16;

    /// Messages that one request at the edge causes, itself by those who serve it and by those
    /// who handle them; what an operator sets as `[bus] max_caused` takes its place.
    pub const MAX_CAUSED: NonZeroU32 = const { NonZeroU32::new(100_000).unwrap() };

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
    pub(crate) fn company(&self) -> Option<u8> {
        self.forced.is_none().then_some(self.depth)
    }

    /// A call or message that is made for this one.
    #[must_use]
    pub fn deeper(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self
        }
    }

    /// The same with an id of its own, where it is for no request: what it causes is counted for
    /// itself.
    #[must_use]
    pub fn identified(self) -> Self {
        match self.id == RequestId::NONE {
            true => Self {
                id: RequestId::next(),
                ..self
            },
            false => self,
        }
    }

    /// As deep as calls and messages may be: whoever goes on from here is in a loop.
    pub fn is_too_deep(&self) -> bool {
        self.depth >= Self::MAX_DEPTH
    }
}
