//! What is delivered, as plain data: versions that are kept, their traffic, a rollout under
//! way, and the numbers a verdict on it was made of. The journal holds it, and a restart
//! goes on from it.

mod collect;
mod component;
mod rollout;
mod traffic;

pub use collect::collectable;
pub use component::{ComponentState, KeptVersion, VersionOrigin};
pub use rollout::{Numbers, Outcome, Phase, Rollout, Verdict};
pub use traffic::Traffic;
