//! The access log: one line a request, when its response has ended.

use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};

use super::http::Protocol;
use crate::core::RequestId;

/// What a line tells. The path is the client's own, without its query, which may hold
/// secrets.
pub struct AccessLine<'a> {
    pub id: RequestId,
    pub client: IpAddr,
    pub method: &'a Method,
    pub host: &'a str,
    pub path: &'a str,
    pub protocol: Protocol,
    pub status: StatusCode,
    pub route: &'a str,
    pub component: Option<&'a str>,
    pub version: Option<&'a str>,
    pub fault: Option<&'static str>,
    /// The response was not sent to its end.
    pub aborted: bool,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub duration: Duration,
}

pub fn log_access(line: &AccessLine<'_>) {
    tracing::info!(
        target: "airgate::access",
        request_id = %line.id,
        client = %line.client,
        method = %line.method,
        host = line.host,
        path = line.path,
        protocol = line.protocol.as_str(),
        status = line.status.as_u16(),
        route = line.route,
        component = line.component,
        version = line.version,
        error = line.fault,
        aborted = line.aborted,
        request_bytes = line.request_bytes,
        response_bytes = line.response_bytes,
        duration_us = line.duration.as_micros() as u64,
        "request"
    );
}
