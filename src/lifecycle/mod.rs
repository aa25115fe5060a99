//! Which version serves: where versions come from, what is kept of them, how traffic splits
//! between them, and how it moves from one to the next.
//!
//! ```text
//! source     path, https, oci → bytes
//!  └ loading    verified, kept in the vault, compiled, warm → Version
//!     └ plan       file or deployment: the newer statement wins
//!        └ delivery   one change at a time: decided, made ready, journaled, shown
//!           └ rollout    numbers of both versions → the next step, or back
//! ```

mod check;
mod delivery;
mod deployment;
mod deployments;
mod directory;
mod durable;
mod journal;
mod loading;
mod lock;
mod overview;
mod plan;
mod receiver;
mod rollout;
#[cfg(test)]
mod small_disk;
mod source;
mod state;
mod traffic;
mod vault;

pub use check::{CheckClient, check_http};
pub use delivery::{
    Book, Change, ChangeError, Delivery, DeliveryEvent, DeliveryStatus, Deploy, Deployed, Events,
    Orders, Pending, Prepared, RolloutStatus, Stage, Steering, Subscription, Told, Urgency,
    VersionStatus,
};
pub use deployment::Deployment;
pub use deployments::Deployments;
pub use directory::Directory;
pub use journal::{Action, Journal, JournalError, Ledger, Record};
pub use loading::{DeployError, Reason};
pub use lock::{LockError, StateLock};
pub use receiver::Receiver;
#[cfg(feature = "oci")]
pub use source::ImageError;
pub use source::{SourceError, Sources, read_path};
pub use state::{
    ComponentState, KeptVersion, Numbers, Outcome, Phase, Rollout, Traffic, Verdict, VersionOrigin,
};
pub use traffic::{Ask, Split};
pub use vault::{Vault, VaultError};
