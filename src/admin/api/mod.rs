//! The endpoints: one table, of which both the router and its description are made.

mod context;
mod endpoint;
mod openapi;
mod router;
mod table;

#[cfg(test)]
mod tests;

pub(super) use context::{Shared, carry_out};

pub use router::{Settings, router};
