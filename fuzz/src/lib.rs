//! The rooms under test, compiled from their own sources.

#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/core/mod.rs"]
pub mod core;
#[path = "../../src/security/mod.rs"]
pub mod security;
#[path = "../../src/storage/mod.rs"]
pub mod storage;

mod egress;
mod resolver;

pub use egress::{ADMIN, egress};
pub use resolver::numeric;
