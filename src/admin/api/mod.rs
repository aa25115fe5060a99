//! The endpoints: one table, of which both the router and its description are made.

mod bus_table;
mod context;
mod endpoint;
mod openapi;
mod router;
mod store_table;
mod table;

#[cfg(test)]
mod bus_tests;
#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wired;

pub(super) use context::{Context, Shared, carry_out};

pub use router::{Settings, router};
