//! HTTP client metrics, by component and by the grant that a request went through: the
//! operator's pattern, never a host that a guest names.

use std::time::Duration;

use http::{Method, StatusCode};
use metrics::Histogram;

use super::http::{method_index, method_label};
use super::names;
use super::series::SeriesList;
use crate::core::ComponentName;

/// Why an outbound request got no response: the closed set of `error_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFailure {
    Name,
    Denied,
    Connection,
    Tls,
    Timeout,
    Protocol,
    Overloaded,
    Loop,
}

impl ClientFailure {
    fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Denied => "denied",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Overloaded => "overloaded",
            Self::Loop => "loop",
        }
    }
}

/// The series of one grant of one component.
pub struct ClientMetrics {
    component: String,
    server: String,
    list: SeriesList<Histogram>,
}

#[derive(Clone, Copy)]
enum Outcome {
    Status(StatusCode),
    /// An origin may answer with any number; those that have no name share a series.
    Unnamed,
    Failed(ClientFailure),
}

impl Outcome {
    fn of(result: Result<StatusCode, ClientFailure>) -> Self {
        match result {
            Ok(status) if status.canonical_reason().is_some() => Self::Status(status),
            Ok(_) => Self::Unnamed,
            Err(failure) => Self::Failed(failure),
        }
    }

    fn index(self) -> u32 {
        match self {
            Self::Unnamed => 0,
            Self::Failed(failure) => failure as u32 + 1,
            Self::Status(status) => status.as_u16().into(),
        }
    }
}

impl ClientMetrics {
    /// `server` is the grant as the operator wrote it.
    pub fn new(component: &ComponentName, server: impl Into<String>) -> Self {
        Self {
            component: component.to_string(),
            server: server.into(),
            list: SeriesList::new(),
        }
    }

    /// One request up to its response head, or up to its failure.
    pub fn record(
        &self,
        duration: Duration,
        method: &Method,
        result: Result<StatusCode, ClientFailure>,
    ) {
        let (method, outcome) = (method_index(method), Outcome::of(result));
        let key = method as u32 | outcome.index() << 4;
        self.list
            .get(key, || self.histogram(method, outcome))
            .record(duration);
    }

    fn histogram(&self, method: usize, outcome: Outcome) -> Histogram {
        let (name, value) = match outcome {
            Outcome::Status(status) => ("http_response_status_code", status.as_str().to_owned()),
            // OpenTelemetry's name for what is not in a closed set.
            Outcome::Unnamed => ("http_response_status_code", "_OTHER".to_owned()),
            Outcome::Failed(failure) => ("error_type", failure.label().to_owned()),
        };
        let labels = [
            ("component", self.component.clone()),
            ("server_address", self.server.clone()),
            ("http_request_method", method_label(method).to_owned()),
            (name, value),
        ];
        metrics::histogram!(names::HTTP_CLIENT_DURATION, &labels)
    }
}
