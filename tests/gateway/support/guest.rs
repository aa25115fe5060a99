//! Where the guests are.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment is how CI talks to tests"
)]

use std::path::PathBuf;

/// A component of `fixtures/components`.
pub fn guest(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/components");
    path.join(name).with_extension("wasm")
}

/// A component that `tests/interop/build.sh` has built, where it has.
pub fn interop(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("AIRGATE_INTEROP_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/interop"),
        PathBuf::from,
    );
    let path = dir.join(name).with_extension("wasm");
    path.exists().then_some(path)
}

/// Whether a test may skip what this machine lacks.
fn require_all() -> bool {
    std::env::var_os("AIRGATE_TEST_REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Says what is missing; where nothing may be, fails.
pub fn missing(what: &str) {
    assert!(!require_all(), "AIRGATE_TEST_REQUIRE_ALL=1, but {what}");
    eprintln!("skipped: {what}");
}
