//! `[component.NAME]`.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use http::HeaderName;

use crate::config::read::{Entries, Json, List, shape_table};
use crate::config::text::{
    ArtifactSource, ConfigKey, CookieName, Factor, FieldName, FilePath, GuestPath, GuestVariable,
    HttpUrl, Secrets, Share, Step, Timeout, UpTo,
};
use crate::core::{
    ByteSize, ComponentName, Digest, FileMode, GrantMode, HttpGrant, KvAccess, OnInconclusive,
    SocketGrant, StoreName, Strategy, TopicPattern, VersionName,
};

use super::{RawSubscription, RawSupervision};

shape_table! {
    struct RawComponent {
        /// The wasm file, relative to this one; or "https://…", "oci://registry/name:tag" or
        /// "oci://registry/name@sha256:…".
        optional source: ArtifactSource,
        /// The name of its version. Default: the first 12 hex digits of its digest.
        optional version: VersionName,
        /// "sha256:" and 64 hex digits that the file must have. Default: any.
        optional digest: Digest,
        /// The file with its detached signature. Default: beside the source, with ".minisig" behind
        /// its name.
        optional signature: FilePath,
        /// Several versions side by side, instead of source, version, digest and signature.
        optional versions: List<RawVersion>,
        /// The weight of each version; what is not listed gets none. Default: all to the first.
        optional traffic: Entries<VersionName, u32>,
        /// By what a client is known, so that it meets the same version each time. Default: nothing.
        optional affinity: RawAffinity,
        /// How a deployed version gets its traffic.
        optional rollout: RawRollout,
        /// How many instances, and how long they serve.
        optional instances: RawInstances,
        /// What one request may use.
        optional limits: RawLimits,
        /// What it may touch; what is not granted is denied.
        optional capabilities: RawCapabilities,
        /// The messages it gets; at most 100 tables.
        optional subscribe: List<RawSubscription>,
        /// How it is kept alive.
        optional supervision: RawSupervision,
    }

    struct RawVersion {
        /// What traffic calls it.
        required name: VersionName,
        /// The wasm file, relative to this one; or "https://…", "oci://registry/name:tag" or
        /// "oci://registry/name@sha256:…".
        required source: ArtifactSource,
        /// "sha256:" and 64 hex digits that the file must have. Default: any.
        optional digest: Digest,
        /// The file with its detached signature. Default: beside the source, with ".minisig" behind
        /// its name.
        optional signature: FilePath,
    }

    struct RawAffinity {
        /// The value of this header field.
        optional header: HeaderName,
        /// The value of this cookie.
        optional cookie: CookieName,
        /// The address of the client, as trusted proxies tell it.
        optional client_ip: bool,
    }

    struct RawRollout {
        /// "canary": a share first, more after each interval that goes well. "blue-green": all at
        /// once, watched for one interval. "rolling": equal steps. "immediate": all at once.
        /// Default: "immediate".
        optional strategy: Strategy,
        /// Percent of the requests, rising, 1 to 99; 100 follows by itself. Default: 5, 25, 50 for
        /// canary and 20, 40, 60, 80 for rolling.
        optional steps: List<Step>,
        /// How long a step lasts, "100ms" to "24h". Default: "1m".
        optional interval: Duration,
        /// Fewer requests in a step say nothing. Default: 200.
        optional min_requests: NonZeroU64,
        /// Share of its requests that may fail, 0 to 1. Default: 0.01.
        optional max_error_rate: Share,
        /// Its 99th percentile of latency by the stable version's, 1 to 1000. Default: not compared.
        optional max_p99_ratio: Factor,
        /// "hold", or "rollback", where the numbers say nothing. Default: "hold".
        optional on_inconclusive: OnInconclusive,
        /// A request that must be answered with 2xx before a step ends. Default: none.
        optional check: RawHttpCheck,
    }

    struct RawHttpCheck {
        /// "http://…" or "https://…".
        required url: HttpUrl,
        /// Until its answer, "1ms" to "10m". Default: "5s".
        optional timeout: Duration,
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
        /// One instance that lives long and takes requests and messages one after the other, or one
        /// for each key. Default: false.
        optional actor: bool,
        /// What decides which instance of an actor a request or message meets. Default: there is one
        /// instance.
        optional key: RawActorKey,
        /// Requests and messages that wait for one instance of an actor, 1 to 1000000.
        /// Default: 1024, beside actor.
        optional mailbox: UpTo<1_000_000>,
    }

    struct RawActorKey {
        /// The value of this header field of a request, or of this metadata entry of a message.
        optional header: HeaderName,
        /// The value of this field of the JSON object that a message is.
        optional field: FieldName,
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
        /// Stores that it may use, by name: "read" or "read-write" each.
        optional keyvalue: Entries<StoreName, KvAccess>,
        /// Topics that it may send messages to, such as "orders.created" or "audit.>".
        optional publish: List<TopicPattern>,
        /// Topics that it may send requests to, such as "stock.reserve".
        optional request: List<TopicPattern>,
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
}
