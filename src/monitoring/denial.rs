//! Touches without a grant, by component and capability.

use std::sync::{PoisonError, RwLock};

use metrics::Counter;

use super::names;
use crate::core::ComponentName;

/// The denials of one component. Capabilities are a closed set, so the list stays short.
pub struct DenialMetrics {
    component: String,
    counters: RwLock<Vec<(&'static str, Counter)>>,
}

impl DenialMetrics {
    pub fn new(component: &ComponentName) -> Self {
        Self {
            component: component.to_string(),
            counters: RwLock::default(),
        }
    }

    pub fn count(&self, capability: &'static str) {
        let known = |counters: &[(&'static str, Counter)]| {
            let found = counters.iter().find(|(name, _)| *name == capability);
            found.map(|(_, counter)| counter.increment(1))
        };
        if known(&self.counters.read().unwrap_or_else(PoisonError::into_inner)).is_some() {
            return;
        }
        let mut counters = self
            .counters
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known(&counters).is_none() {
            let labels = [
                ("component", self.component.clone()),
                ("capability", capability.to_string()),
            ];
            let counter = metrics::counter!(names::CAPABILITY_DENIED, &labels);
            counter.increment(1);
            counters.push((capability, counter));
        }
    }
}
