//! The checked configuration: every value in it is one that can be obeyed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::core::{
    ArtifactPolicy, BusSpec, ByteSize, ComponentName, ComponentSpec, Outbound, Role, StoreName,
    StoreSpec, Topic, TopicPattern,
};

/// All of `routes.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file it was read from, absolute.
    pub path: PathBuf,
    pub server: Server,
    pub admin: Admin,
    /// Journal, code cache and generated secrets; absolute.
    pub state_dir: PathBuf,
    /// How many versions a component keeps beside those in use; at least one.
    pub keep_versions: u32,
    pub security: ArtifactPolicy,
    pub telemetry: Telemetry,
    pub outbound: Outbound,
    /// `default` is always among them where a component uses it.
    pub stores: BTreeMap<StoreName, StoreSpec>,
    pub bus: BusSpec,
    pub components: BTreeMap<ComponentName, Arc<ComponentSpec>>,
    /// In file order.
    pub routes: Vec<Arc<Route>>,
    /// Other files of which it holds what was in them when they were read, or whose change is one of
    /// the configuration: absolute, sorted, each once. Certificates are not among them.
    pub watched: Vec<PathBuf>,
}

/// `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// HTTP/1.1 and h2c.
    pub listen: Vec<SocketAddr>,
    pub max_connections: u32,
    /// Requests in flight; beyond it 503 with `Retry-After`.
    pub max_requests: u32,
    pub drain_timeout: Duration,
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub tls: Option<Tls>,
    pub limits: ServerLimits,
}

/// `[server.tls]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tls {
    pub listen: Vec<SocketAddr>,
    /// At least one; the first serves clients that name no host or an unknown one.
    pub certificates: Vec<Certificate>,
    pub client_ca: Option<ClientCa>,
}

/// One `[[server.tls.certificate]]`, chosen by SNI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// Absolute paths of PEM files.
    Files { cert: PathBuf, key: PathBuf },
    /// Made at start for these names and kept in the state directory: for development.
    SelfSigned { names: Vec<String> },
}

/// Mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCa {
    /// PEM file of the authorities that sign client certificates.
    pub file: PathBuf,
    /// Refuse clients without a certificate.
    pub require: bool,
}

/// `[server.limits]`: what one client can make the front door hold.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerLimits {
    /// Bytes of request line and headers.
    pub head_size: ByteSize,
    /// Number of header fields.
    pub headers: u32,
    /// Bytes of the request target.
    pub uri: ByteSize,
    /// TLS handshake and protocol detection, each.
    pub detection_timeout: Duration,
    /// From the first byte of a request head to its end.
    pub head_timeout: Duration,
    /// Between two pieces of a request body.
    pub body_idle_timeout: Duration,
    /// While the client takes no byte of a response.
    pub write_timeout: Duration,
    /// A connection without a request.
    pub keep_alive: Duration,
    /// Streams at once in one HTTP/2 connection.
    pub h2_streams: u32,
    /// Flow-control window of one stream.
    pub h2_stream_window: ByteSize,
    /// Flow-control window of one connection.
    pub h2_connection_window: ByteSize,
    /// Bytes of a decoded header list.
    pub h2_header_list: ByteSize,
    /// Streams reset by the peer and not yet processed (CVE-2023-44487).
    pub h2_pending_resets: u32,
    /// Streams reset by us because of peer errors (CVE-2025-8671).
    pub h2_local_resets: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            head_size: ByteSize(32 << 10),
            headers: 100,
            uri: ByteSize(8 << 10),
            detection_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
            h2_streams: 100,
            h2_stream_window: ByteSize(64 << 10),
            h2_connection_window: ByteSize(1 << 20),
            h2_header_list: ByteSize(16 << 10),
            h2_pending_resets: 20,
            h2_local_resets: 256,
        }
    }
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Admin {
    /// `None`: no admin listener.
    pub listen: Option<AdminListen>,
    /// `None`: a random one is made and kept in the state directory.
    pub token: Option<Token>,
    /// Those of others: no two are equal, and none is `token`.
    pub tokens: Vec<NamedToken>,
    /// By which it may be reached beside loopback names and its own address: lower case, without
    /// ports, IPv6 in brackets.
    pub hosts: Vec<String>,
    /// `x-airgate-version` may choose the version of a request.
    pub allow_version_override: bool,
}

/// One `[[admin.tokens]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedToken {
    /// Unique, and not one of the names by which the gateway's own doings are recorded.
    pub name: String,
    pub role: Role,
    pub token: Token,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListen {
    Tcp(SocketAddr),
    /// Absolute path of a unix socket.
    Unix(PathBuf),
}

/// A bearer token. Its text never appears in a log or a debug print.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for comparing and sending.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// `[telemetry]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    pub log_format: LogFormat,
    /// One line a request.
    pub access_log: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Json,
    Text,
}

/// One `[[route]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Given, or made from the path.
    pub name: String,
    /// Lower case; empty: any host.
    pub hosts: Vec<HostPattern>,
    pub path: PathPattern,
    /// Empty: any method. `GET` brings `HEAD` with it.
    pub methods: Vec<Method>,
    /// All of them must be present with exactly this value.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub target: Target,
    /// Only beside [`Target::Component`].
    pub mirror: Option<Mirror>,
    /// Taken from the front of the path before the guest sees it; starts with `/`,
    /// does not end with one.
    pub strip_prefix: Option<String>,
    pub request_headers: HeaderEdits,
    pub response_headers: HeaderEdits,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    Exact(String),
    /// `*.example.com`, kept as `.example.com`: one label or more in front.
    Wildcard(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// A path without parameters.
    Exact(String),
    /// matchit syntax with `{name}` or a last `{*rest}`.
    Pattern(String),
    /// `/api` and everything under `/api/`; `/` is everything.
    Prefix(String),
}

impl PathPattern {
    /// As written, for metrics and listings.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(path) | Self::Pattern(path) | Self::Prefix(path) => path,
        }
    }
}

/// What answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Component(ComponentName),
    Respond(Respond),
    Files(Files),
    /// The request's body becomes a message; the client is told that it was taken (202).
    Publish(Topic),
    /// The request's body becomes a message, and its reply the answer.
    Request(MessageRequest),
    /// Messages of these topics, as Server-Sent Events.
    Events(TopicPattern),
}

/// A question to whoever listens to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRequest {
    pub topic: Topic,
    /// Until its reply.
    pub timeout: Duration,
}

/// A component that gets copies of requests; nobody sees its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Another than the route's own.
    pub component: ComponentName,
    /// Of 100 requests, 1 to 100.
    pub percent: u8,
}

/// A fixed answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Respond {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: String,
}

/// Static files below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Absolute.
    pub dir: PathBuf,
    /// Served for a directory.
    pub index: String,
}

/// Fields to remove, then to set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeaderEdits {
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub remove: Vec<HeaderName>,
}

impl HeaderEdits {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    pub fn apply(&self, headers: &mut http::HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name.clone(), value.clone());
        }
    }
}
