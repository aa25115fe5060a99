//! What a guest is told, and what reaches the bus.

mod bounds;
mod failures;
mod grants;
mod pending;
mod support;
