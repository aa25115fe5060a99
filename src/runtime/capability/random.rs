//! `random`: random bytes, at most 64 KiB a call. Granted unless the operator takes it
//! away; a guest that asks for some then traps, since none of these functions can fail.

use wasmtime::component::Linker;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::{p2, p3};

use super::Capability;
use crate::core::Grants;
use crate::runtime::guest::Guest;

pub(super) struct Random;

impl Capability for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn purpose(&self) -> &'static str {
        "random numbers"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:random/"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        grants.random
    }

    fn example(&self) -> &'static str {
        "random = true # the default"
    }

    fn denies_by_error(&self) -> bool {
        false
    }

    fn is_usual(&self) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        use p2::bindings::random;
        random::random::add_to_linker::<_, WasiRandom>(linker, Guest::random)?;
        random::insecure::add_to_linker::<_, WasiRandom>(linker, Guest::random)?;
        random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, Guest::random)?;
        if concurrent {
            p3::random::add_to_linker(linker)?;
        }
        Ok(())
    }
}
