//! The vocabulary every room shares: names, units, faults and policy as plain data.
//!
//! Nothing here does work, and nothing here imports another room.

mod address;
mod cohort;
mod fault;
mod forced;
mod grants;
mod hash;
mod ids;
mod policy;
mod provenance;
mod role;
mod rollout;
mod timestamp;
mod units;

pub use address::{has_global, is_global};
pub use cohort::Cohort;
pub use fault::{Fault, ProxyError};
pub use forced::{Forced, VersionTag};
pub use grants::{
    FileGrant, FileMode, GrantError, GrantMode, Grants, HostGrant, HttpGrant, HttpScheme,
    PortGrant, Secret, SocketGrant, Transport,
};
pub(crate) use hash::stable_hash;
pub use ids::{ComponentName, Digest, DigestError, NameError, RequestId, VersionName};
pub use policy::{
    ComponentSpec, HostBounds, Instances, Limits, Outbound, Reuse, Source, VersionSpec, Weight,
};
pub use provenance::{ArtifactPolicy, TrustedKey, TrustedKeyError};
pub use role::Role;
pub use rollout::{Affinity, HttpCheck, OnInconclusive, RolloutPolicy, Strategy};
pub use timestamp::{Timestamp, TimestampError};
pub use units::{ByteSize, UnitError, format_duration, parse_duration};
