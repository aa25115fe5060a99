//! Every key of `routes.toml`: the one list that the reader and the JSON Schema are made of.
//!
//! The comments are the schema's descriptions: what the key means, its unit, its default.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::core::{
    ByteSize, ComponentName, Digest, FileMode, GrantMode, HttpGrant, SocketGrant, VersionName,
};

use super::model::{HostPattern, LogFormat, PathPattern};
use super::read::{Entries, Json, List, shape_table};
use super::text::{
    AdminAddress, CertificateName, ConfigKey, FileName, FilePath, GuestPath, GuestVariable, Prefix,
    RouteName, Secrets, StripPrefix, Timeout, TokenSource, VariableName,
};

shape_table! {
    /// The whole file.
    struct RawConfig {
        /// The version of this file's format; write version = 1 at the top.
        required version: u32,
        /// Where clients connect, and how many.
        optional server: RawServer,
        /// The admin API.
        optional admin: RawAdmin,
        /// What is kept between starts.
        optional state: RawState,
        /// Logs.
        optional telemetry: RawTelemetry,
        /// How the gateway reaches what components are granted outside of it.
        optional outbound: RawOutbound,
        /// What components do not set themselves.
        optional defaults: RawDefaults,
        /// The components, by name.
        optional component: Entries<ComponentName, RawComponent>,
        /// Host, path, method and headers → what answers.
        optional route: List<RawRoute>,
    }

    struct RawServer {
        /// Addresses for HTTP/1.1 and h2c. Default: "127.0.0.1:8080", or none beside [server.tls].
        optional listen: List<SocketAddr>,
        /// Connections at once. Default: 5000.
        optional max_connections: NonZeroU32,
        /// Requests in flight; beyond it 503 with Retry-After. Default: 1000.
        optional max_requests: NonZeroU32,
        /// How long a stopping server waits for its requests. Default: "30s".
        optional drain_timeout: Duration,
        /// CIDRs whose Forwarded and X-Forwarded-* fields are believed. Default: none.
        optional trusted_proxies: List<ipnet::IpNet>,
        /// HTTPS.
        optional tls: RawTls,
        /// What one client can make the server hold.
        optional limits: RawServerLimits,
    }

    struct RawTls {
        /// Addresses for HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3.
        required listen: List<SocketAddr>,
        /// Chosen by SNI; the first serves clients that name no host.
        required certificate: List<RawCertificate>,
        /// PEM file of the authorities that sign client certificates.
        optional client_ca: FilePath,
        /// Refuse clients without a certificate. Default: true.
        optional require: bool,
    }

    struct RawCertificate {
        /// PEM file of the certificate chain.
        optional cert: FilePath,
        /// PEM file of the private key.
        optional key: FilePath,
        /// Names to make a certificate for at start, instead of cert and key: for development.
        optional self_signed: List<CertificateName>,
    }

    struct RawServerLimits {
        /// Bytes of request line and headers. Default: "32KiB".
        optional head_size: ByteSize,
        /// Number of header fields. Default: 100.
        optional headers: NonZeroU32,
        /// Bytes of the request target. Default: "8KiB".
        optional uri: ByteSize,
        /// TLS handshake and protocol detection, each. Default: "10s".
        optional detection_timeout: Timeout,
        /// From the first byte of a request head to its end. Default: "10s".
        optional head_timeout: Timeout,
        /// Between two pieces of a request body. Default: "20s".
        optional body_idle_timeout: Timeout,
        /// While the client takes no byte of a response. Default: "30s".
        optional write_timeout: Timeout,
        /// A connection without a request. Default: "60s".
        optional keep_alive: Timeout,
        /// Streams at once in one HTTP/2 connection. Default: 100.
        optional h2_streams: NonZeroU32,
        /// Flow-control window of one stream. Default: "64KiB".
        optional h2_stream_window: ByteSize,
        /// Flow-control window of one connection. Default: "1MiB".
        optional h2_connection_window: ByteSize,
        /// Bytes of a decoded header list. Default: "16KiB".
        optional h2_header_list: ByteSize,
        /// Streams reset by the peer and not yet processed. Default: 20.
        optional h2_pending_resets: NonZeroU32,
        /// Streams reset by the server because of the peer's errors. Default: 256.
        optional h2_local_resets: NonZeroU32,
    }

    struct RawAdmin {
        /// An address, "unix:" and a path, or "off". Default: "127.0.0.1:9901".
        optional listen: AdminAddress,
        /// Where the bearer token is; a variable that is not set is no token. Default: a random one,
        /// kept in the state directory.
        optional token: TokenSource,
    }

    struct RawElsewhere {
        /// An environment variable of the server's.
        optional env: VariableName,
        /// A file of at most 64KiB; white space at its end does not count.
        optional file: FilePath,
    }

    struct RawState {
        /// Journal, code cache and generated secrets, relative to this file. Default: ".airgate".
        optional dir: FilePath,
    }

    struct RawTelemetry {
        /// "json" or "text". Default: "json".
        optional log_format: LogFormat,
        /// One line a request. Default: true.
        optional access_log: bool,
    }

    struct RawOutbound {
        /// Until a connection is there, TLS included, over all addresses of a name. Default: "5s".
        optional connect_timeout: Timeout,
        /// From the sent request to the first byte of its response. Default: "15s".
        optional first_byte_timeout: Timeout,
        /// Between two pieces of a response body. Default: "15s".
        optional between_bytes_timeout: Timeout,
        /// Requests at once that one guest may have on their way, 1 to 1000. Default: 6.
        optional parallel: NonZeroU32,
        /// PEM file of authorities that are believed beside the public ones.
        optional ca: FilePath,
        /// DNS servers to ask, such as "192.0.2.53:53". Default: those of the system.
        optional nameservers: List<SocketAddr>,
    }

    struct RawDefaults {
        /// As [component.NAME.limits].
        optional limits: RawLimits,
    }

    struct RawComponent {
        /// The wasm file, relative to this one.
        optional source: FilePath,
        /// The name of its version. Default: the first 12 hex digits of its digest.
        optional version: VersionName,
        /// "sha256:" and 64 hex digits that the file must have. Default: any.
        optional digest: Digest,
        /// Several versions side by side, instead of source, version and digest.
        optional versions: List<RawVersion>,
        /// The weight of each version; what is not listed gets none. Default: all to the first.
        optional traffic: Entries<VersionName, u32>,
        /// How many instances, and how long they serve.
        optional instances: RawInstances,
        /// What one request may use.
        optional limits: RawLimits,
        /// What it may touch; what is not granted is denied.
        optional capabilities: RawCapabilities,
    }

    struct RawVersion {
        /// What traffic calls it.
        required name: VersionName,
        /// The wasm file, relative to this one.
        required source: FilePath,
        /// "sha256:" and 64 hex digits that the file must have. Default: any.
        optional digest: Digest,
    }

    struct RawInstances {
        /// Requests one instance may serve; 1: a fresh one for every request. Default: 1.
        optional reuse: NonZeroU32,
        /// Requests at once in one instance (WASI 0.3 only). Default: 1.
        optional concurrent: NonZeroU32,
        /// Fresh instances kept ahead of demand. Default: 0.
        optional ready: u32,
        /// An idle instance is dropped after this long. Default: "30s".
        optional idle_timeout: Duration,
        /// Instances of one version at once; beyond it requests queue, then 503. Default: 256.
        optional max: NonZeroU32,
    }

    struct RawLimits {
        /// Until the response head. Default: "5s".
        optional timeout: Timeout,
        /// Until the response body ends; "0s": no limit. Default: "60s".
        optional stream_timeout: Duration,
        /// Time the guest really runs. Default: "1s".
        optional cpu: Timeout,
        /// Units of wasm fuel. Default: not metered.
        optional fuel: NonZeroU64,
        /// All linear memories and tables of an instance, "64KiB" to "4GiB". Default: "64MiB".
        optional memory: ByteSize,
        /// "0": no limit. Default: "10MiB".
        optional max_request_body: ByteSize,
        /// "0": no limit. Default: "0".
        optional max_response_body: ByteSize,
        /// Requests the guest may start for one request. Default: 32.
        optional outbound_requests: u32,
    }

    struct RawCapabilities {
        /// Scheme, host and port of requests it may send, such as "https://api.example.com",
        /// "https://*.example.com:8443" or "https://*". Without a port the scheme's; ":*" is any.
        optional http: List<HttpGrant>,
        /// Grants of http and sockets may lead to loopback, private and link-local addresses.
        /// Default: false.
        optional private_networks: bool,
        /// Components that it may call, at http://NAME.internal/ and without leaving the process.
        optional components: List<ComponentName>,
        /// Environment variables that it gets: a text, { env = "NAME" } or { file = "path" } each.
        optional environment: Secrets<GuestVariable>,
        /// What wasi:config tells it: a text, { env = "NAME" } or { file = "path" } each.
        optional config: Secrets<ConfigKey>,
        /// Directories that it sees.
        optional files: List<RawFileGrant>,
        /// Transport, host and port of connections it may make, such as "tcp://db.internal:5432",
        /// "udp://10.0.0.0/8:53" or "tcp://[2001:db8::1]:*".
        optional sockets: List<SocketGrant>,
        /// It may read the time. Default: true.
        optional clocks: bool,
        /// It may ask for random bytes. Default: true.
        optional random: bool,
        /// Grants of capabilities that the program adds, by their names; their values are its own.
        optional custom: Entries<String, Json>,
        /// "enforce", or "audit": what is not granted is counted and logged, but allowed.
        /// Default: "enforce".
        optional mode: GrantMode,
    }

    struct RawFileGrant {
        /// The directory, relative to this file.
        required source: FilePath,
        /// Where the component sees it, such as "/assets".
        required at: GuestPath,
        /// "read" or "read-write". Default: "read".
        optional mode: FileMode,
    }

    struct RawRoute {
        /// For listings and logs. Default: made from the path.
        optional name: RouteName,
        /// "shop.example.com", "*.example.com", "192.0.2.1" or "[2001:db8::1]". Default: any host.
        optional hosts: List<HostPattern>,
        /// One path, with parameters such as {id} and a last {*rest}.
        optional path: PathPattern,
        /// A path and everything below it, instead of path.
        optional prefix: Prefix,
        /// "GET" brings HEAD with it. Default: any method.
        optional methods: List<Method>,
        /// Header fields that must have exactly these values.
        optional headers: Entries<HeaderName, HeaderValue>,
        /// The component that answers.
        optional component: ComponentName,
        /// A fixed answer, instead of a component.
        optional respond: RawRespond,
        /// Static files, instead of a component.
        optional files: RawFiles,
        /// Taken from the front of the path before the component sees it.
        optional strip_prefix: StripPrefix,
        /// Changes to the request before the component sees it.
        optional request_headers: RawHeaderEdits,
        /// Changes to the response before the client sees it.
        optional response_headers: RawHeaderEdits,
    }

    struct RawRespond {
        /// 200 to 599. Default: 200.
        optional status: StatusCode,
        /// Header fields of the answer.
        optional headers: Entries<HeaderName, HeaderValue>,
        /// Its text. Default: empty.
        optional body: String,
    }

    struct RawFiles {
        /// The directory, relative to this file.
        required dir: FilePath,
        /// Served for a directory. Default: "index.html".
        optional index: FileName,
    }

    struct RawHeaderEdits {
        /// Fields to set, after the removals.
        optional set: Entries<HeaderName, HeaderValue>,
        /// Fields to remove.
        optional remove: List<HeaderName>,
    }
}
