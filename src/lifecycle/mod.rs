//! Which version serves: the versions of a component and how its traffic splits.

mod check;
mod delivery;
mod deployment;
mod directory;
pub mod journal;
mod source;
mod split;
pub mod state;

pub use check::{CheckClient, check_http};
pub use delivery::{
    Change, ChangeError, Delivery, DeliveryEvent, DeliveryStatus, Deploy, Deployed, Events,
    RolloutStatus, Steering, VersionStatus,
};
pub use deployment::{DeployError, Deployment, Deployments};
pub use directory::Directory;
#[cfg(feature = "oci")]
pub use source::ImageError;
pub use source::{SourceError, Sources, read_path};
pub use split::Split;
