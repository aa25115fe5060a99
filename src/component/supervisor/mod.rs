//! Keeping a version alive: what counts as a failure, and what follows from it.
//!
//! ```text
//! health      asks from time to time
//! leases      tell of failures                     (pool, actor)
//!  └ owner       holds the state, does what is decided
//!     └ course      state + history + policy + event → decision; pure
//! ```

mod course;
mod health;
mod owner;
mod superior;
mod word;

pub(super) use owner::Supervisor;
pub use superior::Superior;
pub(super) use superior::Superiors;
