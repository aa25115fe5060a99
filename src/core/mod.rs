//! The vocabulary every room shares: names, units, faults and policy as plain data.
//!
//! Nothing here does work, and nothing here imports another room.

mod address;
mod bus;
mod cohort;
mod fault;
mod forced;
mod grants;
mod hash;
mod ids;
mod origin;
mod policy;
mod provenance;
mod role;
mod rollout;
mod store;
mod supervision;
mod timestamp;
mod trace;
mod units;

pub use address::{has_global, is_global};
pub use bus::{
    Backoff, BusAnswer, BusFuture, BusObserver, BusSpec, DeadLetter, DeadLetters, Delivery,
    GroupName, HandleError, HandlerFuture, Inspection, Leaving, Message, MessageBounds, MessageBus,
    MessageError, MessageHandler, MessageOutcome, Overflow, PublishError, Publisher, QueueState,
    Receipt, RedeliverError, RequestError, RequestOptions, Spread, SubscribeError, Subscription,
    SubscriptionObserver, SubscriptionSpec, SubscriptionState, Topic, TopicError, TopicPattern,
    Unsubscribe,
};
pub use cohort::Cohort;
pub use fault::{Fault, ProxyError};
pub use forced::{Forced, VersionTag};
pub use grants::{
    FileGrant, FileMode, GrantError, GrantMode, Grants, HostGrant, HttpGrant, HttpScheme,
    PortGrant, Secret, SocketGrant, Transport,
};
pub(crate) use hash::stable_hash;
pub use ids::{ComponentName, Digest, DigestError, NameError, RequestId, VersionName};
pub use origin::Origin;
pub use policy::{
    Actor, ActorKey, ComponentSpec, HostBounds, Instances, Limits, Outbound, Reuse, Source,
    VersionSpec, Weight,
};
pub use provenance::{ArtifactPolicy, TrustedKey, TrustedKeyError};
pub use role::Role;
pub use rollout::{Affinity, HttpCheck, OnInconclusive, RolloutPolicy, Strategy};
pub use store::{
    Backup, Key, KeyError, KeyPage, KvAccess, KvStore, Quota, Record, Records, Revision,
    StoreBackend, StoreError, StoreFuture, StoreName, StoreNameError, StoreSpec, Stored, Stores,
    Swap, Usage, Write,
};
pub use supervision::{
    ComponentInfo, ComponentMetadata, Health, HealthPolling, HealthStatus, RunState, Supervision,
    SupervisionStrategy,
};
pub use timestamp::{Timestamp, TimestampError};
pub use trace::Trace;
pub use units::{ByteSize, UnitError, format_duration, parse_duration};
