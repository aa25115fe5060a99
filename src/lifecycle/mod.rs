//! Which version serves: the versions of a component and how its traffic splits.

mod deployment;
mod source;
mod split;

pub use deployment::{DeployError, Deployment, Deployments};
pub use source::{SourceError, read};
pub use split::Split;
