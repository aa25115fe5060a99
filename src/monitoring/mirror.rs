//! How copies of requests compare with their originals; handles are made with the route.

use std::time::Duration;

use metrics::{Counter, Histogram};

use super::names;
use crate::core::ComponentName;

/// What became of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirrored {
    /// Both answers have the same status.
    Same,
    /// They have not.
    Differs,
    /// The copy got no answer of the component's own.
    Failed,
    /// It was not sent: its body is too large, was not read to its end, or too many copies
    /// are under way.
    Skipped,
}

/// The series of one route's copies.
pub struct MirrorMetrics {
    results: [Counter; 4],
    original: Histogram,
    copy: Histogram,
}

impl MirrorMetrics {
    /// `route` is the pattern, never a path.
    pub fn new(route: &str, component: &ComponentName) -> Self {
        let labels = |name: &'static str, value: &'static str| {
            [
                ("http_route", route.to_string()),
                ("component", component.to_string()),
                (name, value.to_string()),
            ]
        };
        let result = |result| metrics::counter!(names::MIRRORED, &labels("result", result));
        let duration = |side| metrics::histogram!(names::MIRROR_DURATION, &labels("side", side));
        Self {
            results: ["same", "differs", "failed", "skipped"].map(result),
            original: duration("original"),
            copy: duration("copy"),
        }
    }

    pub fn count(&self, result: Mirrored) {
        self.results[result as usize].increment(1);
    }

    /// Times to the response heads.
    pub fn compare(&self, original: Duration, copy: Duration) {
        self.original.record(original);
        self.copy.record(copy);
    }
}
