//! Which version serves: the versions of a component and how its traffic splits.

mod deployment;
mod directory;
mod source;
mod split;

pub use deployment::{DeployError, Deployment, Deployments};
pub use directory::Directory;
pub use source::{SourceError, read};
pub use split::Split;
