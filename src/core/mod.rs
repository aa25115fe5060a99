//! The vocabulary every room shares: names, units, faults and policy as plain data.
//!
//! Nothing here does work, and nothing here imports another room.

mod fault;
mod ids;
mod policy;
mod units;

pub use fault::{Fault, ProxyError};
pub use ids::{ComponentName, Digest, DigestError, NameError, RequestId, VersionName};
pub use policy::{
    ComponentSpec, HostBounds, Instances, Limits, Reuse, Source, VersionSpec, Weight,
};
pub use units::{ByteSize, UnitError, format_duration, parse_duration};
