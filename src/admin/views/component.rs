//! A component, as it is shown.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::run::{Run, RunView};
use crate::component::Version;
use crate::core::{ByteSize, Instances, Limits, Reuse, Weight, format_duration};
use crate::lifecycle::{DeliveryStatus, Deployment, RolloutStatus};

/// A component: what of it serves, under which terms, and how it is delivered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Component")]
pub(in crate::admin) struct ComponentView {
    name: String,
    /// Those that are loaded.
    versions: Vec<VersionView>,
    instances: InstancesView,
    limits: LimitsView,
    /// What it is granted, in words.
    capabilities: String,
    #[serde(flatten)]
    delivery: Option<DeliveryView>,
}

/// The entity tag, weights and rollout of a component.
#[derive(Serialize, JsonSchema)]
struct DeliveryView {
    /// Its entity tag.
    generation: u64,
    /// Weights by version.
    traffic: BTreeMap<String, Weight>,
    /// What `rollback` goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<BTreeMap<String, Weight>>,
    /// The rollout under way, or the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<RolloutStatus>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LoadedVersion")]
struct VersionView {
    name: String,
    digest: String,
    weight: Weight,
    instances: CountsView,
    #[serde(flatten)]
    run: RunView,
}

/// Instances by state.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InstanceCounts")]
struct CountsView {
    busy: u64,
    idle: u64,
    ready: u64,
}

/// The pool of each version.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Instances")]
struct InstancesView {
    /// Requests in the life of an instance.
    reuse: u32,
    /// Requests at once in an instance.
    concurrent: u32,
    ready: u32,
    max: u32,
    idle_timeout: String,
}

/// What a request may use; `null`: no limit.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Limits")]
struct LimitsView {
    timeout: String,
    stream_timeout: Option<String>,
    cpu: String,
    fuel: Option<u64>,
    memory: String,
    max_request_body: Option<String>,
    max_response_body: Option<String>,
    outbound_requests: u32,
}

impl ComponentView {
    pub fn new(deployment: &Deployment, status: Option<DeliveryStatus>) -> Self {
        let spec = deployment.spec();
        let versions = deployment.versions().iter().zip(&spec.weights);
        let versions = versions.map(|(version, weight)| VersionView::new(version, *weight));
        Self {
            name: spec.name.to_string(),
            versions: versions.collect(),
            instances: InstancesView::new(&spec.instances),
            limits: LimitsView::new(&spec.limits),
            capabilities: spec.grants.summary(),
            delivery: status.map(DeliveryView::from),
        }
    }
}

impl From<DeliveryStatus> for DeliveryView {
    fn from(status: DeliveryStatus) -> Self {
        Self {
            generation: status.generation,
            traffic: status.traffic,
            previous: status.previous,
            rollout: status.rollout,
        }
    }
}

impl VersionView {
    fn new(version: &Version, weight: Weight) -> Self {
        let instances = version.instances();
        Self {
            name: version.name().to_string(),
            digest: version.digest().to_string(),
            weight,
            instances: CountsView {
                busy: instances.busy as u64,
                idle: instances.idle as u64,
                ready: instances.ready as u64,
            },
            run: Run::from(version).into(),
        }
    }
}

impl InstancesView {
    fn new(instances: &Instances) -> Self {
        let (reuse, concurrent) = match instances.reuse {
            Reuse::Fresh => (1, 1),
            Reuse::Serial { requests } => (requests.get(), 1),
            Reuse::Concurrent { requests, at_once } => (requests.get(), at_once.get()),
        };
        Self {
            reuse,
            concurrent,
            ready: instances.ready,
            max: instances.max.get(),
            idle_timeout: format_duration(instances.idle_timeout),
        }
    }
}

impl LimitsView {
    fn new(limits: &Limits) -> Self {
        let size = |size: Option<ByteSize>| size.map(|size| size.to_string());
        Self {
            timeout: format_duration(limits.timeout),
            stream_timeout: limits.stream_timeout.map(format_duration),
            cpu: format_duration(limits.cpu),
            fuel: limits.fuel,
            memory: limits.memory.to_string(),
            max_request_body: size(limits.max_request_body),
            max_response_body: size(limits.max_response_body),
            outbound_requests: limits.outbound_requests,
        }
    }
}
