//! Which of a component's versions a request meets.

mod ask;
mod rendezvous;
mod split;

#[cfg(test)]
mod tests;

pub use ask::Ask;
pub use split::Split;
