//! How a rollout goes on: decisions from numbers and times that are passed in, and nothing
//! else. Whoever calls makes them happen and writes them down.

mod burst;
mod course;
mod figure;
mod judge;
mod watch;
mod window;

#[cfg(test)]
mod tests;

pub use course::{advance, fail, hold, traffic_of};
pub use watch::{Look, Watch};
