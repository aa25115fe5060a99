//! HTTP server metrics, by route. Labels come from closed sets, and a series' handles are
//! made when it is first seen: afterwards a request finds them with a few comparisons.

use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Gauge, Histogram};

use super::names;
use super::series::SeriesList;
use crate::core::Fault;

/// `network_protocol_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http10,
    Http11,
    Http2,
}

impl Protocol {
    pub fn of(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_2 => Self::Http2,
            http::Version::HTTP_10 => Self::Http10,
            _ => Self::Http11,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

pub(super) fn method_index(method: &Method) -> usize {
    METHODS
        .iter()
        .position(|known| known == method)
        .unwrap_or(METHODS.len())
}

pub(super) fn method_label(index: usize) -> &'static str {
    // OpenTelemetry's name for every method it does not know.
    const LABELS: [&str; 10] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "_OTHER",
    ];
    LABELS[index]
}

/// Metrics of the whole front door.
pub struct HttpMetrics {
    active: Gauge,
    connections: Gauge,
}

impl HttpMetrics {
    pub fn new() -> Self {
        Self {
            active: metrics::gauge!(names::HTTP_ACTIVE),
            connections: metrics::gauge!(names::CONNECTIONS),
        }
    }

    pub fn set_connections(&self, connections: usize) {
        self.connections.set(connections as f64);
    }

    pub fn set_active(&self, requests: usize) {
        self.active.set(requests as f64);
    }
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What is known of a request when its response has ended.
pub struct Sample<'a> {
    pub method: &'a Method,
    pub status: StatusCode,
    pub protocol: Protocol,
    pub fault: Option<usize>,
    pub duration: Duration,
    /// `None`: the request had no body.
    pub request_bytes: Option<u64>,
    pub response_bytes: u64,
}

/// The series of one route.
pub struct RouteMetrics {
    route: String,
    list: SeriesList<Series>,
}

struct Series {
    duration: Histogram,
    request_size: Histogram,
    response_size: Histogram,
}

impl RouteMetrics {
    /// `route` is the pattern, never a path.
    pub fn new(route: impl Into<String>) -> Self {
        Self {
            route: route.into(),
            list: SeriesList::new(),
        }
    }

    pub fn record(&self, sample: &Sample<'_>) {
        let series = self.series(sample);
        series.duration.record(sample.duration);
        if let Some(bytes) = sample.request_bytes {
            series.request_size.record(bytes as f64);
        }
        series.response_size.record(sample.response_bytes as f64);
    }

    fn series(&self, sample: &Sample<'_>) -> &Series {
        let method = method_index(sample.method);
        self.list
            .get(key(method, sample), || self.make(method, sample))
    }

    fn make(&self, method: usize, sample: &Sample<'_>) -> Series {
        let mut labels = vec![
            ("http_request_method", method_label(method).to_string()),
            (
                "http_response_status_code",
                sample.status.as_str().to_string(),
            ),
            ("http_route", self.route.clone()),
            (
                "network_protocol_version",
                sample.protocol.as_str().to_string(),
            ),
        ];
        if let Some(fault) = sample.fault {
            labels.push(("error_type", Fault::LABELS[fault].to_string()));
        }
        Series {
            duration: metrics::histogram!(names::HTTP_DURATION, &labels),
            request_size: metrics::histogram!(names::HTTP_REQUEST_SIZE, &labels),
            response_size: metrics::histogram!(names::HTTP_RESPONSE_SIZE, &labels),
        }
    }
}

fn key(method: usize, sample: &Sample<'_>) -> u32 {
    let fault = sample.fault.map_or(0, |fault| fault as u32 + 1);
    let status = u32::from(sample.status.as_u16());
    method as u32 | status << 4 | (sample.protocol as u32) << 14 | fault << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(method: &Method, status: u16, fault: Option<usize>) -> Sample<'_> {
        Sample {
            method,
            status: StatusCode::from_u16(status).unwrap(),
            protocol: Protocol::Http11,
            fault,
            duration: Duration::ZERO,
            request_bytes: None,
            response_bytes: 0,
        }
    }

    #[test]
    fn every_label_set_has_one_series() {
        let route = RouteMetrics::new("/");
        let get = sample(&Method::GET, 200, None);
        let first: *const Series = route.series(&get);
        route.series(&sample(&Method::GET, 502, Some(8)));
        route.series(&sample(&Method::POST, 200, None));
        assert_eq!(route.series(&get) as *const Series, first);
    }

    #[test]
    fn unknown_methods_share_a_label() {
        let odd = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(method_label(method_index(&odd)), "_OTHER");
        assert_eq!(method_label(method_index(&Method::PATCH)), "PATCH");
    }
}
