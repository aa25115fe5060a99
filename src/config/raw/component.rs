//! `[component.NAME]`.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use crate::config::read::{Entries, Json, List, shape_table};
use crate::config::text::{ConfigKey, FilePath, GuestPath, GuestVariable, Secrets, Timeout};
use crate::core::{
    ByteSize, ComponentName, Digest, FileMode, GrantMode, HttpGrant, SocketGrant, VersionName,
};

shape_table! {
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
}
