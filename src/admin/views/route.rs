//! A route, as it is shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{HostPattern, PathPattern, Route, Target};

/// A route: what it matches, and where it leads.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Route")]
pub(in crate::admin) struct RouteView {
    name: String,
    /// Empty: any.
    hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// Empty: any.
    methods: Vec<String>,
    target: TargetView,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Target")]
enum TargetView {
    Component(String),
    /// The status of a fixed answer.
    Respond(u16),
    /// A directory.
    Files(String),
    /// The topic that requests are published on.
    Publish(String),
    /// The topic whose receivers answer.
    Request(String),
    /// The topics whose messages are streamed.
    Events(String),
}

impl RouteView {
    pub fn new(route: &Route) -> Self {
        let pattern = Some(route.path.as_str().to_owned());
        let (path, prefix) = match route.path {
            PathPattern::Exact(_) | PathPattern::Pattern(_) => (pattern, None),
            PathPattern::Prefix(_) => (None, pattern),
        };
        let methods = route.methods.iter().map(ToString::to_string);
        Self {
            name: route.name.clone(),
            hosts: route.hosts.iter().map(host).collect(),
            path,
            prefix,
            methods: methods.collect(),
            target: match &route.target {
                Target::Component(name) => TargetView::Component(name.to_string()),
                Target::Respond(respond) => TargetView::Respond(respond.status.as_u16()),
                Target::Files(files) => TargetView::Files(files.dir.display().to_string()),
                Target::Publish(topic) => TargetView::Publish(topic.to_string()),
                Target::Request(request) => TargetView::Request(request.topic.to_string()),
                Target::Events(pattern) => TargetView::Events(pattern.to_string()),
            },
        }
    }
}

fn host(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Wildcard(suffix) => format!("*{suffix}"),
    }
}
