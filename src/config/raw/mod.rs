//! Every key of `routes.toml`: the one list that the reader and the JSON Schema are made of.
//!
//! The comments are the schema's descriptions: what the key means, its unit, its default.

mod bus;
mod component;
mod root;
mod route;
mod server;

pub(super) use bus::{RawBus, RawStore, RawSubscription, RawSupervision};
pub(super) use component::{
    RawActorKey, RawAffinity, RawCapabilities, RawComponent, RawFileGrant, RawHttpCheck,
    RawInstances, RawLimits, RawRollout, RawVersion,
};
pub(super) use root::{
    RawAdmin, RawConfig, RawDefaults, RawElsewhere, RawKeyFile, RawNamedToken, RawOutbound,
    RawSecurity, RawState, RawTelemetry,
};
pub(super) use route::{RawFiles, RawHeaderEdits, RawMirror, RawRespond, RawRoute};
pub(super) use server::{RawCertificate, RawServer, RawServerLimits, RawTls};
