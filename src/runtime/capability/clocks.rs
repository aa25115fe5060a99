//! `clocks`: the time of day, and timers. Granted unless the operator takes it away; a
//! guest that reads a clock then traps, since none of these functions can fail.

use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::{p2, p3};

use super::Capability;
use crate::core::Grants;
use crate::runtime::guest::Guest;

pub(super) struct Clocks;

impl Capability for Clocks {
    fn name(&self) -> &'static str {
        "clocks"
    }

    fn purpose(&self) -> &'static str {
        "the time, and timers"
    }

    fn imports(&self) -> &'static [&'static str] {
        &["wasi:clocks/"]
    }

    fn is_granted(&self, grants: &Grants) -> bool {
        grants.clocks
    }

    fn example(&self) -> &'static str {
        "clocks = true # the default"
    }

    fn denies_by_error(&self) -> bool {
        false
    }

    fn is_usual(&self) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Guest>, concurrent: bool) -> wasmtime::Result<()> {
        use p2::bindings::clocks;
        clocks::wall_clock::add_to_linker::<_, WasiClocks>(linker, Guest::clocks)?;
        clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(linker, Guest::clocks)?;
        if concurrent {
            p3::clocks::add_to_linker(linker)?;
        }
        Ok(())
    }
}
