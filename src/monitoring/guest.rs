//! Metrics of one version of a component; every handle is made with the version.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::names;
use crate::core::{ComponentName, Fault, VersionName};

/// The outcome of a call that the guest answered itself.
const OK: &str = "ok";

pub struct GuestMetrics {
    labels: [(&'static str, String); 2],
    duration: Histogram,
    cpu: Histogram,
    fuel: Counter,
    memory: Histogram,
    ok: Counter,
    /// Made when the fault is first seen: most versions never have most of them.
    faults: [OnceLock<Counter>; Fault::LABELS.len()],
    idle: Gauge,
    busy: Gauge,
    ready: Gauge,
    weight: Gauge,
}

/// Instances of a version by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstanceCounts {
    /// Serving a request.
    pub busy: u32,
    /// Waiting to be reused.
    pub idle: u32,
    /// Never touched by a request.
    pub ready: u32,
}

impl GuestMetrics {
    pub fn new(component: &ComponentName, version: &VersionName) -> Self {
        let labels = [
            ("component", component.to_string()),
            ("version", version.to_string()),
        ];
        let state = |state: &'static str| {
            let [component, version] = labels.clone();
            metrics::gauge!(
                names::INSTANCES,
                &[component, version, ("state", state.to_string())]
            )
        };
        Self {
            duration: metrics::histogram!(names::GUEST_DURATION, &labels),
            cpu: metrics::histogram!(names::GUEST_CPU, &labels),
            fuel: metrics::counter!(names::GUEST_FUEL, &labels),
            memory: metrics::histogram!(names::GUEST_MEMORY_PEAK, &labels),
            ok: outcome(&labels, OK),
            faults: Default::default(),
            idle: state("idle"),
            busy: state("busy"),
            ready: state("ready"),
            weight: metrics::gauge!(names::TRAFFIC_WEIGHT, &labels),
            labels,
        }
    }

    /// One call up to its response head.
    pub fn record_call(&self, duration: Duration, fault: Option<&Fault>) {
        self.duration.record(duration);
        match fault {
            None => self.ok.increment(1),
            Some(fault) => {
                let counter = || outcome(&self.labels, fault.label());
                self.faults[fault.index()].get_or_init(counter).increment(1);
            }
        }
    }

    /// What one call used, known when its guest has ended.
    pub fn record_usage(&self, cpu: Duration, fuel: Option<u64>, memory: u64) {
        self.cpu.record(cpu);
        self.memory.record(memory as f64);
        if let Some(fuel) = fuel {
            self.fuel.increment(fuel);
        }
    }

    pub fn set_instances(&self, counts: InstanceCounts) {
        self.busy.set(counts.busy);
        self.idle.set(counts.idle);
        self.ready.set(counts.ready);
    }

    pub fn set_weight(&self, weight: u32) {
        self.weight.set(weight);
    }
}

fn outcome(labels: &[(&'static str, String); 2], outcome: &'static str) -> Counter {
    let [component, version] = labels.clone();
    let labels = [component, version, ("outcome", outcome.to_string())];
    metrics::counter!(names::GUEST_REQUESTS, &labels)
}

/// Records how long one instance took to make.
pub fn instantiate_seconds() -> Histogram {
    metrics::histogram!(names::INSTANTIATE)
}
