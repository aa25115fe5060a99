//! Which version serves: the versions of a component and how its traffic splits.

mod delivery;
mod deployment;
mod directory;
pub mod journal;
mod source;
mod split;
pub mod state;

pub use delivery::{
    Change, ChangeError, Delivery, DeliveryEvent, DeliveryStatus, Deploy, Deployed, Events,
    RolloutStatus, Steering, Subscription, Told, VersionStatus,
};
pub use deployment::{DeployError, Deployment, Deployments};
pub use directory::Directory;
pub use source::{SourceError, read};
pub use split::Split;
