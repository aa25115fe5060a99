//! `environment`: variables, and nothing of the host's own environment that is not named.

use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::{p2, p3};

use super::{Capability, Preparation};
use crate::core::Grants;
use crate::runtime::guest::Guest;

pub(super) struct Environment;

impl Capability for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn purpose(&self) -> &'static str {
        "environment variables"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:cli/environment@"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        !grants.environment.is_empty()
    }

    fn example(&self) -> &'static str {
        r#"environment = { REGION = "eu", HOME = { env = "HOME" } }"#
    }

    fn is_usual(&self) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        p2::bindings::cli::environment::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
        if concurrent {
            p3::bindings::cli::environment::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
        }
        Ok(())
    }

    fn prepare(&self, instance: &Preparation<'_>, wasi: &mut WasiCtxBuilder) {
        for (name, value) in &instance.grants().environment {
            wasi.env(name, value.expose());
        }
    }
}
