//! Rollouts that ended: a few a day, so nothing is kept between two of them.

use super::names;
use crate::core::ComponentName;

/// `result` is how it ended: one of the phases that a rollout can end in.
pub fn count_rollout(component: &ComponentName, result: &'static str) {
    let labels = [
        ("component", component.to_string()),
        ("result", result.to_string()),
    ];
    metrics::counter!(names::ROLLOUTS, &labels).increment(1);
}
