//! `airgate compile-component`: not for people. The gateway starts it for each component
//! that it compiles, so that one that takes too much takes it from a process of its own.

use clap::Args;

use crate::runtime::{CompileOrder, compile_as_told};

#[derive(Args)]
pub(super) struct Compile {
    /// What the gateway wants
    order: CompileOrder,
}

impl Compile {
    pub fn run(self) -> u8 {
        compile_as_told(&self.order)
    }
}
