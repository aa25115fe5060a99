//! Which version serves: the versions of a component and how its traffic splits.

mod delivery;
mod deployment;
mod directory;
mod durable;
pub mod journal;
mod lock;
#[cfg(test)]
mod small_disk;
mod source;
mod split;
pub mod state;
mod vault;

pub use delivery::{
    Change, ChangeError, Delivery, DeliveryEvent, DeliveryStatus, Deploy, Deployed, Events,
    RolloutStatus, Steering, VersionStatus,
};
pub use deployment::{DeployError, Deployment, Deployments};
pub use directory::Directory;
pub use lock::{LockError, StateLock};
pub use source::{SourceError, read};
pub use split::Split;
pub use vault::{Vault, VaultError};
