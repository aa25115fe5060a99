//! What a guest is told, and what reaches the bus.

mod bounds;
mod failures;
mod grants;
mod mistakes;
mod pending;
mod support;
