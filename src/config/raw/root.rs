//! The file as a whole, and what is not about one component or one route.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::model::LogFormat;
use crate::config::read::{Entries, List, shape_table};
use crate::config::text::{
    AdminAddress, AdminHost, FilePath, NamedTokens, Timeout, TokenName, TokenSource, TrustedKeys,
    VariableName,
};
use crate::core::{ByteSize, ComponentName, Role, StoreName};

use super::{RawBus, RawComponent, RawLimits, RawRoute, RawServer, RawStore};

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
        /// What must be known of a component before it may run.
        optional security: RawSecurity,
        /// Logs.
        optional telemetry: RawTelemetry,
        /// How the gateway reaches what components are granted outside of it.
        optional outbound: RawOutbound,
        /// Where components keep what they know, by name; "default" is there without being named.
        optional storage: Entries<StoreName, RawStore>,
        /// What carries messages between components.
        optional bus: RawBus,
        /// What components do not set themselves.
        optional defaults: RawDefaults,
        /// The components, by name.
        optional component: Entries<ComponentName, RawComponent>,
        /// Host, path, method and headers → what answers.
        optional route: List<RawRoute>,
    }

    struct RawAdmin {
        /// An address, "unix:" and a path, or "off". Default: "127.0.0.1:9901".
        optional listen: AdminAddress,
        /// Where the bearer token is; a variable that is not set is no token. Default: a random one,
        /// kept in the state directory.
        optional token: TokenSource,
        /// Bearer tokens of others, each with a name and a role.
        optional tokens: NamedTokens,
        /// Hosts by which the admin API may be reached, beside loopback names and its own address;
        /// without their ports. Default: none.
        optional hosts: List<AdminHost>,
        /// The header x-airgate-version may choose the version of a request. Default: false.
        optional allow_version_override: bool,
    }

    struct RawNamedToken {
        /// Who has it, for the journal and the audit log.
        required name: TokenName,
        /// "read"; "deploy", to change versions and traffic too; or "admin", for everything.
        required role: Role,
        /// Where it is: { env = "NAME" } or { file = "path" }.
        required token: TokenSource,
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
        /// Versions of a component that are kept beside those in use, 1 to 100. Default: 5.
        optional keep_versions: NonZeroU32,
    }

    struct RawSecurity {
        /// Every version must be pinned to a digest. Default: false.
        optional require_digest: bool,
        /// Every version must be signed by one of trusted_keys. Default: false.
        optional require_signature: bool,
        /// Public keys of minisign, or "ed25519:" and 32 bytes in base64; as a text or as
        /// { file = "keys/ci.pub" }. Default: none.
        optional trusted_keys: TrustedKeys,
        /// Until the process that compiles a component is killed, "1s" to "10m". Default: "2m".
        optional compile_timeout: Duration,
        /// Memory that this process may use, "256MiB" to "64GiB". Default: "4GiB".
        optional compile_memory: ByteSize,
    }

    struct RawKeyFile {
        /// A file with one public key; comments of minisign do not count.
        required file: FilePath,
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
}
