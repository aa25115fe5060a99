//! Where components are compiled: as many at once as there are cores, each within the
//! bounds that the operator set.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use wasmtime::Engine;

use super::child;
use super::code::CompiledCode;
use super::error::CompileError;
use crate::core::{ArtifactPolicy, ByteSize};
use crate::runtime::engine::EngineKind;

/// The program that runs, also after another one was put in its place or it was deleted.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// Who compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// This process, without any bound: for components that are trusted, and for programs
    /// that have no verb to compile with.
    InProcess,
    /// A child for each component, within the time and the memory of the
    /// [`ArtifactPolicy`]. `program` must be the one that runs, or of the same build, and
    /// answer [`super::COMPILE_VERB`] as `airgate` does.
    Child { program: PathBuf },
}

impl Compiler {
    /// Children of the program that runs, which must answer [`super::COMPILE_VERB`].
    pub fn of_this_program() -> Self {
        let program = Path::new(THIS_PROGRAM);
        if program.exists() {
            return Self::Child {
                program: program.to_owned(),
            };
        }
        tracing::warn!(
            "{THIS_PROGRAM} is not there: components are compiled in this process, without a bound"
        );
        Self::InProcess
    }
}

/// What one component may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub timeout: Duration,
    pub memory: ByteSize,
}

impl From<&ArtifactPolicy> for Bounds {
    fn from(policy: &ArtifactPolicy) -> Self {
        Self {
            timeout: policy.compile_timeout,
            memory: policy.compile_memory,
        }
    }
}

/// A compiler, its bounds, and who waits for it.
pub(crate) struct Workshop {
    compiler: Compiler,
    bounds: ArcSwap<Bounds>,
    places: Places,
}

impl Workshop {
    pub fn new(compiler: Compiler) -> Self {
        Self {
            compiler,
            bounds: ArcSwap::from_pointee(Bounds::from(&ArtifactPolicy::default())),
            places: Places::new(std::thread::available_parallelism().map_or(1, usize::from)),
        }
    }

    /// For what is compiled from now on.
    pub fn set_policy(&self, policy: &ArtifactPolicy) {
        self.bounds.store(Bounds::from(policy).into());
    }

    /// Blocks until `wasm` is compiled: at most for `compile_timeout`, and as long again
    /// while others are.
    pub fn compile(
        &self,
        engine: &Engine,
        kind: EngineKind,
        wasm: &[u8],
    ) -> Result<CompiledCode, CompileError> {
        let Compiler::Child { program } = &self.compiler else {
            return CompiledCode::of_this_process(engine, wasm);
        };
        let bounds = **self.bounds.load();
        let place = self.places.take(bounds.timeout);
        let _place = place.ok_or(CompileError::Busy(bounds.timeout))?;
        child::compile(program, kind, wasm, bounds)
    }
}

/// How many more may compile.
struct Places {
    free: Mutex<usize>,
    given_back: Condvar,
}

struct Place<'a>(&'a Places);

impl Places {
    fn new(all: usize) -> Self {
        Self {
            free: Mutex::new(all),
            given_back: Condvar::new(),
        }
    }

    /// `None`: none was given back in time.
    fn take(&self, timeout: Duration) -> Option<Place<'_>> {
        let none = |free: &mut usize| *free == 0;
        let waited = self
            .given_back
            .wait_timeout_while(self.free(), timeout, none);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Place(self))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_when_all_places_are_taken_waits_for_one() {
        let places = Places::new(2);
        let (_first, second) = (places.take(Duration::ZERO), places.take(Duration::ZERO));
        assert!(places.take(Duration::from_millis(1)).is_none());
        std::thread::scope(|scope| {
            let third = scope.spawn(|| places.take(Duration::from_secs(60)).is_some());
            drop(second);
            assert!(third.join().unwrap());
        });
        assert_eq!(*places.free(), 1);
    }

    #[test]
    fn the_program_that_runs_can_be_started() {
        let program = PathBuf::from("/proc/self/exe");
        assert_eq!(Compiler::of_this_program(), Compiler::Child { program });
    }
}
