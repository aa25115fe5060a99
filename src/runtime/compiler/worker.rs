//! The child that compiles one component: from stdin to stdout, and then it ends.
//!
//! It starts no threads but the compiler's, makes nothing that it does not need, and
//! knows no more than the component and its order.

use std::fmt::Display;
use std::io::{self, Read as _, Write as _};

use super::fences;
use super::order::CompileOrder;
use crate::runtime::engine::compiling_engine;

/// How a child ends, beside 0.
pub(super) mod exit {
    /// Something is wrong with this process or with its parent.
    pub const FAILED: u8 = 1;
    /// The component is at fault; stderr says how. `EX_DATAERR` of sysexits.h.
    pub const COMPONENT: u8 = 65;
    /// The memory was not enough.
    pub const MEMORY: u8 = 66;
}

/// Compiles the component on stdin and writes its code to stdout, within the limits of
/// the order, which are the whole process's from then on. Gives the exit code. To be
/// called by `main` when the program was started with [`super::COMPILE_VERB`], before it
/// does anything else.
pub fn compile_as_told(order: &CompileOrder) -> u8 {
    match work(order) {
        Ok(()) => 0,
        Err(Failure::Component(error)) if is_out_of_memory(&error) => exit::MEMORY,
        Err(Failure::Component(error)) => complain(exit::COMPONENT, &format_args!("{error:#}")),
        Err(Failure::Process(error)) => complain(exit::FAILED, &error),
    }
}

enum Failure {
    Component(wasmtime::Error),
    Process(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Process(error)
    }
}

fn work(order: &CompileOrder) -> Result<(), Failure> {
    fences::raise(order)?;
    let wasm = read(order.bytes)?;
    let engine =
        compiling_engine(order.kind()).map_err(|error| io::Error::other(format!("{error:#}")))?;
    let code = engine
        .precompile_component(&wasm)
        .map_err(Failure::Component)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&code)?;
    Ok(stdout.flush()?)
}

fn read(bytes: u64) -> io::Result<Vec<u8>> {
    let mut wasm = Vec::new();
    io::stdin().lock().take(bytes).read_to_end(&mut wasm)?;
    match wasm.len() as u64 == bytes {
        true => Ok(wasm),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn complain(code: u8, error: &dyn Display) -> u8 {
    // Nobody reads it where the parent has gone.
    let _ = writeln!(io::stderr(), "{error}");
    code
}

/// A mapping that was refused is an error; an allocation that was refused aborts.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.is::<wasmtime::OutOfMemory>()
        || error.chain().any(|cause| {
            let mapping = cause.downcast_ref::<rustix::io::Errno>();
            let other = cause.downcast_ref::<io::Error>();
            mapping == Some(&rustix::io::Errno::NOMEM)
                || other.is_some_and(|it| it.kind() == io::ErrorKind::OutOfMemory)
        })
}
