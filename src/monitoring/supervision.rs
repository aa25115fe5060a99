//! Metrics of one version's life under supervision.

use std::sync::OnceLock;

use metrics::{Counter, Gauge};

use super::names;
use crate::core::{ComponentName, RunState, VersionName};

pub struct SupervisionMetrics {
    labels: [(&'static str, String); 2],
    restarts: Counter,
    /// Made when the state is first seen: most versions never see most of them.
    states: [OnceLock<Gauge>; RunState::ALL.len()],
}

impl SupervisionMetrics {
    pub fn new(component: &ComponentName, version: &VersionName) -> Self {
        let labels = [
            ("component", component.to_string()),
            ("version", version.to_string()),
        ];
        Self {
            restarts: metrics::counter!(names::COMPONENT_RESTARTS, &labels),
            states: Default::default(),
            labels,
        }
    }

    pub fn count_restart(&self) {
        self.restarts.increment(1);
    }

    /// The version is in this state and in no other.
    pub fn set_state(&self, present: RunState) {
        let all = RunState::ALL.into_iter().zip(&self.states);
        for (state, gauge) in all {
            if state == present {
                gauge.get_or_init(|| self.gauge(state)).set(1.0);
            } else if let Some(gauge) = gauge.get() {
                gauge.set(0.0);
            }
        }
    }

    fn gauge(&self, state: RunState) -> Gauge {
        let [component, version] = self.labels.clone();
        let labels = [component, version, ("state", state.as_str().to_owned())];
        metrics::gauge!(names::COMPONENT_STATE, &labels)
    }
}

/// A version that is gone is in no state.
impl Drop for SupervisionMetrics {
    fn drop(&mut self) {
        let seen = self.states.iter().filter_map(OnceLock::get);
        seen.for_each(|gauge| gauge.set(0.0));
    }
}
