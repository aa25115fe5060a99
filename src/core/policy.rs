//! What the operator decided, as plain data: configuration makes it, the rooms obey it.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use super::{
    Affinity, ByteSize, ComponentName, Digest, Grants, RolloutPolicy, SubscriptionSpec,
    Supervision, VersionName,
};

/// What one request, and the instance that serves it, may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Until the response head.
    pub timeout: Duration,
    /// Until the response body ends, counted from the request; `None`: no limit.
    pub stream_timeout: Option<Duration>,
    /// Time the guest really runs.
    pub cpu: Duration,
    /// Units of wasm fuel; `None`: not metered.
    pub fuel: Option<u64>,
    /// Sum over the instance's linear memories and tables.
    pub memory: ByteSize,
    /// `None`: no limit.
    pub max_request_body: Option<ByteSize>,
    /// `None`: no limit.
    pub max_response_body: Option<ByteSize>,
    /// Outbound requests a guest may start for one request.
    pub outbound_requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            stream_timeout: Some(Duration::from_secs(60)),
            cpu: Duration::from_secs(1),
            fuel: None,
            memory: ByteSize(64 << 20),
            max_request_body: Some(ByteSize(10 << 20)),
            max_response_body: None,
            outbound_requests: 32,
        }
    }
}

/// How much of the host's own memory a guest can make it use. Not configurable:
/// no handler that behaves comes near them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBounds {
    /// Entries of the resource table.
    pub resources: usize,
    /// Bytes that host calls may copy out of the guest during one request.
    pub hostcall_bytes: usize,
    /// Bytes of one `fields` resource.
    pub fields: ByteSize,
    /// Bytes one call may ask of `wasi:random`.
    pub random: ByteSize,
    /// Bytes of one line of stdout or stderr; the rest of it is cut off.
    pub output_line: ByteSize,
    /// Lines of stdout and stderr that one request may log.
    pub output_lines: u32,
    /// Messages that one request may send; requests are counted by
    /// [`Limits::outbound_requests`].
    pub messages: u32,
    /// Bytes of all messages that one instance holds.
    pub held_messages: ByteSize,
    /// Requests over the bus that one instance may have under way without waiting for them.
    pub pending_replies: u32,
    /// Bytes of wasm stack.
    pub wasm_stack: ByteSize,
    /// Bytes of one artifact.
    pub artifact: ByteSize,
}

impl Default for HostBounds {
    fn default() -> Self {
        Self {
            resources: 1_000,
            hostcall_bytes: 16 << 20,
            fields: ByteSize(64 << 10),
            random: ByteSize(64 << 10),
            output_line: ByteSize(8 << 10),
            output_lines: 1_000,
            messages: 10_000,
            held_messages: ByteSize(32 << 20),
            pending_replies: 32,
            wasm_stack: ByteSize(512 << 10),
            artifact: ByteSize(64 << 20),
        }
    }
}

/// How often an instance may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Every request gets an instance that no request has touched.
    Fresh,
    /// One request at a time, at most so many in an instance's life.
    Serial { requests: NonZeroU32 },
    /// Several requests at once in one instance (WASI 0.3 only).
    Concurrent {
        requests: NonZeroU32,
        at_once: NonZeroU32,
    },
}

/// The pool of one component's instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instances {
    pub reuse: Reuse,
    /// Fresh instances kept instantiated ahead of demand.
    pub ready: u32,
    /// An idle instance is dropped after this long.
    pub idle_timeout: Duration,
    /// Instances of one version at once; beyond it requests queue, then fail.
    pub max: NonZeroU32,
    /// One instance that lives long, or one for each key, instead of many; `reuse` and `ready`
    /// mean nothing then.
    pub actor: Option<Actor>,
}

/// Instances that keep what they know from one request or message to the next, and take them one
/// after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What decides which instance a request or message meets; `None`: there is one instance. Of
    /// keyed ones there are at most [`Instances::max`], and idle ones end after
    /// [`Instances::idle_timeout`].
    pub key: Option<ActorKey>,
    /// Requests and messages that wait for one instance.
    pub mailbox: NonZeroU32,
}

/// Where the key of a request or message is; those without one meet an instance of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorKey {
    /// A header field of a request, or the metadata entry of this name of a message.
    Header(HeaderName),
    /// A field of the JSON object that is a message's body, its value being a text or a number.
    /// Requests have no such key.
    Field(String),
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            reuse: Reuse::Fresh,
            ready: 0,
            idle_timeout: Duration::from_secs(30),
            max: const { NonZeroU32::new(256).unwrap() },
            actor: None,
        }
    }
}

/// Where a version's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// An absolute path.
    Path(PathBuf),
    /// An `https://` URL.
    Https(String),
    /// An image of an OCI registry, without the `oci://`: `registry/name:tag` or
    /// `registry/name@sha256:…`.
    Oci(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Https(url) => f.write_str(url),
            Self::Oci(image) => write!(f, "oci://{image}"),
        }
    }
}

/// One version as the operator named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSpec {
    /// `None`: named after its digest once that is known.
    pub name: Option<VersionName>,
    pub source: Source,
    /// The bytes must have this digest.
    pub digest: Option<Digest>,
    /// Where its detached signature is; `None`: beside the source, under its name and
    /// `.minisig`.
    pub signature: Option<PathBuf>,
}

/// The share of a version in its component's requests; the sum is the whole.
pub type Weight = u32;

/// One component as the operator described it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentSpec {
    pub name: ComponentName,
    /// At least one.
    pub versions: Vec<VersionSpec>,
    /// One weight for each of `versions`, in their order; the sum is above zero.
    pub weights: Vec<Weight>,
    pub limits: Limits,
    pub instances: Instances,
    pub grants: Arc<Grants>,
    pub affinity: Option<Affinity>,
    /// How a deployed version gets its traffic.
    pub rollout: RolloutPolicy,
    /// The messages it gets.
    pub subscriptions: Vec<SubscriptionSpec>,
    pub supervision: Supervision,
    /// A route sends it copies of requests.
    pub mirrored: bool,
    /// A route leads to it.
    pub routed: bool,
}

impl ComponentSpec {
    /// For copies of requests: the same, but without any effect on the outside.
    #[must_use]
    pub fn shadow(&self) -> Self {
        Self {
            grants: Arc::new(self.grants.without_effects()),
            supervision: self.supervision.without_effects(),
            ..self.clone()
        }
    }
}

/// How the gateway reaches what guests ask for over HTTP and sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Until a connection is there, TLS included, over all addresses of a name.
    pub connect_timeout: Duration,
    /// From the sent request to the first byte of its response.
    pub first_byte_timeout: Duration,
    /// Between two pieces of a response body.
    pub between_bytes_timeout: Duration,
    /// Requests at once that one guest may have on their way.
    pub parallel: u32,
    /// PEM file of authorities that are believed beside the public ones.
    pub ca: Option<PathBuf>,
    /// DNS servers to ask; empty: those of the system.
    pub nameservers: Vec<SocketAddr>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(15),
            between_bytes_timeout: Duration::from_secs(15),
            parallel: 6,
            ca: None,
            nameservers: Vec::new(),
        }
    }
}
