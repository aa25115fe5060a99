//! The bus as its users meet it, with handlers that do what guests do. Where time matters it
//! stands still until everybody waits.

mod breadth;
mod dead_letters;
mod deferring;
mod draining;
mod groups;
mod order;
mod overflow;
mod publishing;
mod requests;
mod retries;
mod stress;
mod support;
