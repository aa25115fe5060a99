//! The `airgate` binary.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all: rustls panics where two providers are there to choose from.
    let _ = rustls::crypto::ring::default_provider().install_default();
    airgate::cli::run()
}
