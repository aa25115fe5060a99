//! How a component is delivered, told to people; and a rollout, followed to its end.

mod describe;
mod end;
mod follow;
mod lines;
mod view;

pub(super) use describe::{age, painted, percent, place, serving, weights};
pub(super) use follow::{Rollout, follow};
pub(super) use lines::{event, numbers, verdict};

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
