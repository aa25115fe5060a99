//! What becomes of a request body, seen from outside of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::runtime::error::InvokeError;

/// What has become of a request body by now.
#[derive(Default)]
pub(super) struct Fate {
    /// 0, [`TOO_LARGE`] or [`STALLED`].
    pub failure: AtomicU8,
    pub received: AtomicU64,
    /// Somebody reads it, and the client has sent nothing more.
    pub awaited: AtomicBool,
    /// It ended in an error: the client has gone.
    pub broken: AtomicBool,
}

pub(super) const TOO_LARGE: u8 = 1;
pub(super) const STALLED: u8 = 2;

/// Tells of a request body from outside: how much of it came, and whether the client, not
/// the guest, is to blame.
#[derive(Clone, Default)]
pub struct RequestWatch(Option<Arc<Fate>>);

impl RequestWatch {
    pub(super) fn of(fate: Arc<Fate>) -> Self {
        Self(Some(fate))
    }

    /// Bytes received by now; `None` for a request without a body.
    pub fn received(&self) -> Option<u64> {
        self.0
            .as_ref()
            .map(|fate| fate.received.load(Ordering::Relaxed))
    }

    /// Whether it ended as it should not: the guest may fail for that.
    pub(crate) fn is_broken(&self) -> bool {
        let fate = self.0.as_ref();
        fate.is_some_and(|fate| fate.broken.load(Ordering::Relaxed)) || self.error().is_some()
    }

    /// Whether the client lets its reader wait.
    pub(crate) fn is_awaited(&self) -> bool {
        let fate = self.0.as_ref();
        fate.is_some_and(|fate| fate.awaited.load(Ordering::Relaxed))
    }

    pub(crate) fn error(&self) -> Option<InvokeError> {
        match self.0.as_ref()?.failure.load(Ordering::Relaxed) {
            TOO_LARGE => Some(InvokeError::BodyTooLarge),
            STALLED => Some(InvokeError::BodyStalled),
            _ => None,
        }
    }
}
