//! Components of other languages, as their own tools build them (`tests/interop/build.sh`).

mod clouds;
mod handlers;
mod listeners;

use std::path::PathBuf;

use crate::support::{interop, missing};

/// What an interpreter needs, on a busy machine too.
const ROOM: &str = "limits = { memory = \"256MiB\", cpu = \"20s\", timeout = \"25s\" }";

/// Tens of megabytes of code are compiled beside all other tests.
const PATIENT: &str = "compile_timeout = \"10m\"";

/// A component that is built, or else why the test is skipped.
fn built(name: &str) -> Option<PathBuf> {
    let path = interop(name);
    if path.is_none() {
        missing(&format!(
            "{name}.wasm is not built; run tests/interop/build.sh"
        ));
    }
    path
}
