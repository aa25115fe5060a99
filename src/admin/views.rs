//! What the admin API shows, as JSON.

use serde_json::{Value, json};

use crate::component::Version;
use crate::config::{HostPattern, PathPattern, Route, Target};
use crate::core::{Reuse, format_duration};
use crate::lifecycle::Deployment;

pub(super) fn route(route: &Route) -> Value {
    let hosts: Vec<String> = route.hosts.iter().map(host).collect();
    let methods: Vec<&str> = route.methods.iter().map(|method| method.as_str()).collect();
    let kind = match route.path {
        PathPattern::Exact(_) | PathPattern::Pattern(_) => "path",
        PathPattern::Prefix(_) => "prefix",
    };
    let target = match &route.target {
        Target::Component(name) => json!({ "component": name.as_str() }),
        Target::Respond(respond) => json!({ "respond": respond.status.as_u16() }),
        Target::Files(files) => json!({ "files": files.dir.display().to_string() }),
    };
    json!({
        "name": route.name, "hosts": hosts, kind: route.path.as_str(),
        "methods": methods, "target": target,
    })
}

fn host(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Wildcard(suffix) => format!("*{suffix}"),
    }
}

pub(super) fn component(deployment: &Deployment) -> Value {
    let spec = deployment.spec();
    let versions: Vec<Value> = deployment
        .versions()
        .iter()
        .zip(&spec.weights)
        .map(|(version, weight)| self::version(version, *weight))
        .collect();
    let (reuse, concurrent) = match spec.instances.reuse {
        Reuse::Fresh => (1, 1),
        Reuse::Serial { requests } => (requests.get(), 1),
        Reuse::Concurrent { requests, at_once } => (requests.get(), at_once.get()),
    };
    let limits = &spec.limits;
    json!({
        "name": spec.name.as_str(),
        "versions": versions,
        "instances": {
            "reuse": reuse, "concurrent": concurrent,
            "ready": spec.instances.ready, "max": spec.instances.max.get(),
            "idle_timeout": format_duration(spec.instances.idle_timeout),
        },
        "limits": {
            "timeout": format_duration(limits.timeout),
            "stream_timeout": limits.stream_timeout.map(format_duration),
            "cpu": format_duration(limits.cpu),
            "fuel": limits.fuel,
            "memory": limits.memory.to_string(),
            "max_request_body": limits.max_request_body.map(|size| size.to_string()),
            "max_response_body": limits.max_response_body.map(|size| size.to_string()),
            "outbound_requests": limits.outbound_requests,
        },
        "capabilities": spec.grants.summary(),
    })
}

fn version(version: &Version, weight: u32) -> Value {
    let instances = version.instances();
    json!({
        "name": version.name().as_str(),
        "digest": version.digest().to_string(),
        "weight": weight,
        "instances": {
            "busy": instances.busy, "idle": instances.idle, "ready": instances.ready,
        },
    })
}
