//! Every metric: its name, its unit, what it means, and its buckets. Nowhere else.

pub const HTTP_DURATION: &str = "http_server_request_duration_seconds";
pub const HTTP_ACTIVE: &str = "http_server_active_requests";
pub const HTTP_REQUEST_SIZE: &str = "http_server_request_body_size_bytes";
pub const HTTP_RESPONSE_SIZE: &str = "http_server_response_body_size_bytes";
pub const HTTP_CLIENT_DURATION: &str = "http_client_request_duration_seconds";

pub const GUEST_DURATION: &str = "airgate_guest_duration_seconds";
pub const GUEST_CPU: &str = "airgate_guest_cpu_seconds";
pub const GUEST_REQUESTS: &str = "airgate_guest_requests_total";
pub const GUEST_FUEL: &str = "airgate_guest_fuel_total";
pub const GUEST_MEMORY_PEAK: &str = "airgate_guest_memory_peak_bytes";
pub const INSTANCES: &str = "airgate_instances";
pub const INSTANTIATE: &str = "airgate_instantiate_seconds";
pub const TRAFFIC_WEIGHT: &str = "airgate_traffic_weight";
pub const COMPONENT_STATE: &str = "airgate_component_state";
pub const COMPONENT_RESTARTS: &str = "airgate_component_restarts_total";
pub const ROLLOUTS: &str = "airgate_rollouts_total";
pub const MIRRORED: &str = "airgate_mirror_requests_total";
pub const MIRROR_DURATION: &str = "airgate_mirror_duration_seconds";

pub const BUS_SENT: &str = "airgate_bus_sent_total";
pub const BUS_MESSAGES: &str = "airgate_bus_messages_total";
pub const BUS_LATENCY: &str = "airgate_bus_latency_seconds";

pub const CAPABILITY_DENIED: &str = "airgate_capability_denied_total";

pub const KV_OPERATION: &str = "airgate_kv_operation_seconds";
pub const KV_ERRORS: &str = "airgate_kv_errors_total";
pub const KV_BYTES: &str = "airgate_kv_bytes";
pub const KV_KEYS: &str = "airgate_kv_keys";

pub const CONNECTIONS: &str = "airgate_connections";
pub const CONNECTION_ERRORS: &str = "airgate_connection_errors_total";
pub const CONFIG_LAST_RELOAD_SUCCESS: &str = "airgate_config_last_reload_success";
pub const TLS_CERT_EXPIRY: &str = "airgate_tls_cert_expiry_timestamp_seconds";
pub const PAGEMAP_SCAN: &str = "airgate_pagemap_scan";
pub const BUILD_INFO: &str = "airgate_build_info";

/// Name, unit and meaning, as a scrape shows them.
pub(super) const DESCRIPTIONS: &[(Kind, &str, metrics::Unit, &str)] = {
    use Kind::{Counter, Gauge, Histogram};
    use metrics::Unit::{Bytes, Count, Seconds};
    &[
        (
            Histogram,
            HTTP_DURATION,
            Seconds,
            "From the request head to the end of the response",
        ),
        (Gauge, HTTP_ACTIVE, Count, "Requests in flight"),
        (
            Histogram,
            HTTP_REQUEST_SIZE,
            Bytes,
            "Bytes of request body received",
        ),
        (
            Histogram,
            HTTP_RESPONSE_SIZE,
            Bytes,
            "Bytes of response body sent",
        ),
        (
            Histogram,
            HTTP_CLIENT_DURATION,
            Seconds,
            "From a guest's outbound request to its response head, by grant",
        ),
        (
            Histogram,
            GUEST_DURATION,
            Seconds,
            "From the request to the guest's response head",
        ),
        (
            Histogram,
            GUEST_CPU,
            Seconds,
            "Time the guest really ran for one call",
        ),
        (
            Counter,
            GUEST_REQUESTS,
            Count,
            "Calls of a guest by outcome",
        ),
        (
            Counter,
            GUEST_FUEL,
            Count,
            "Units of fuel consumed, where it is metered",
        ),
        (
            Histogram,
            GUEST_MEMORY_PEAK,
            Bytes,
            "Linear memories and tables of an instance after a call",
        ),
        (Gauge, INSTANCES, Count, "Instances by state"),
        (Histogram, INSTANTIATE, Seconds, "Time to make one instance"),
        (
            Gauge,
            TRAFFIC_WEIGHT,
            Count,
            "Share of a version in its component's requests",
        ),
        (
            Gauge,
            COMPONENT_STATE,
            Count,
            "1 for the state that a version is in, 0 for those it has left",
        ),
        (
            Counter,
            COMPONENT_RESTARTS,
            Count,
            "Restarts of a version, by its supervision or by somebody",
        ),
        (Counter, ROLLOUTS, Count, "Rollouts that ended, by result"),
        (
            Counter,
            MIRRORED,
            Count,
            "Copies of requests, by how their answers compare with the originals'",
        ),
        (
            Histogram,
            MIRROR_DURATION,
            Seconds,
            "Time to the response head of originals and of their copies",
        ),
        (
            Counter,
            BUS_SENT,
            Count,
            "What components sent over the bus, by kind and result",
        ),
        (
            Counter,
            BUS_MESSAGES,
            Count,
            "Messages at a subscriber, by the topic that it subscribes to and result",
        ),
        (
            Histogram,
            BUS_LATENCY,
            Seconds,
            "From a message that was taken to the end of its handler",
        ),
        (
            Counter,
            CAPABILITY_DENIED,
            Count,
            "What guests tried without a grant, by capability",
        ),
        (
            Histogram,
            KV_OPERATION,
            Seconds,
            "Time of one operation of a store, by its backend",
        ),
        (
            Counter,
            KV_ERRORS,
            Count,
            "Operations of a store without effect, by its backend and the error",
        ),
        (
            Gauge,
            KV_BYTES,
            Bytes,
            "Keys and values that a component has in a store",
        ),
        (
            Gauge,
            KV_KEYS,
            Count,
            "How many keys a component has in a store",
        ),
        (Gauge, CONNECTIONS, Count, "Open connections"),
        (
            Counter,
            CONNECTION_ERRORS,
            Count,
            "Connections that ended in an error, by kind",
        ),
        (
            Gauge,
            CONFIG_LAST_RELOAD_SUCCESS,
            Count,
            "1 when the last reload of the configuration succeeded",
        ),
        (
            Gauge,
            TLS_CERT_EXPIRY,
            Seconds,
            "When a certificate expires, in seconds since 1970",
        ),
        (
            Gauge,
            PAGEMAP_SCAN,
            Count,
            "1 when fresh instances are reset page by page (Linux 6.7)",
        ),
        (
            Gauge,
            BUILD_INFO,
            Count,
            "Always 1; the labels tell the build",
        ),
    ]
};

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Seconds, from a reused instance's microseconds to a slow stream.
const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Seconds, from a look into memory to a disk that is busy.
const STORE_SECONDS: &[f64] = &[
    0.000_001,
    0.000_002_5,
    0.000_005,
    0.000_01,
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.5,
    1.0,
    5.0,
];

/// The buckets of a histogram.
pub(super) fn buckets(name: &str, unit: metrics::Unit) -> &'static [f64] {
    match (name, unit) {
        (KV_OPERATION, _) => STORE_SECONDS,
        (_, metrics::Unit::Bytes) => BYTES,
        _ => SECONDS,
    }
}

/// Bytes, from nothing to a gibibyte.
const BYTES: &[f64] = &[
    0.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
];
