//! `[bus]`.

use std::ops::RangeInclusive;

use crate::config::raw::RawBus;
use crate::config::read::Problems;
use crate::config::text::{BusBackend, UpTo};
use crate::core::{BusSpec, MessageBounds};

use super::server::size;

/// A message is in memory as a whole, once at least for everybody who gets it.
const MESSAGE: RangeInclusive<u64> = 1..=16 << 20;

pub(super) fn bus(raw: &RawBus, problems: &mut Problems<'_>) -> BusSpec {
    let default = BusSpec::default();
    // A second backend is one to choose, and does not compile until it is.
    let BusBackend::Local = raw.backend.or(BusBackend::Local);
    BusSpec {
        bounds: MessageBounds {
            body: size(&raw.max_message, default.bounds.body, MESSAGE, problems),
            ..default.bounds
        },
        dead_letters: raw.dead_letters.or(default.dead_letters),
        max_caused: raw.max_caused.or(UpTo(default.max_caused)).0,
    }
}
