//! Airgate: a WASI edge gateway.
//!
//! `routes.toml` maps HTTP routes to pooled, pre-linked WebAssembly components behind a
//! hyper front door; every request runs under fuel, CPU, time, memory and capability
//! limits. Each module is a room with one job; which room may use which is a table that
//! `tests/architecture.rs` enforces and ARCHITECTURE.md explains.

#![deny(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "clippy.toml binds what serves")
)]

pub mod admin;
pub mod cli;
pub mod component;
pub mod config;
pub mod core;
pub mod gateway;
pub mod lifecycle;
pub mod messaging;
pub mod monitoring;
pub mod runtime;
pub mod security;
pub mod storage;
pub mod system;
