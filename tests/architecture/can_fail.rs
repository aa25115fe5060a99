//! Every rule, fed what it must not let through, and what it must.

use super::{ROOMS, inspect};

/// Lines of the breaches in a file.
fn lines(file: &str, source: &str) -> Vec<usize> {
    inspect(file, source)
        .iter()
        .map(|breach| breach.line)
        .collect()
}

#[track_caller]
fn assert_refused(file: &str, source: &str) {
    assert_eq!(lines(file, source), [1], "{file}: {source}");
}

#[track_caller]
fn assert_fine(file: &str, source: &str) {
    assert_eq!(lines(file, source), [0; 0], "{file}: {source}");
}

#[test]
fn an_import_outside_the_row_is_found_however_it_is_written() {
    for source in [
        "use crate::gateway::Router;",
        "use crate::{core::Fault, gateway::Router};",
        "use crate::{core::{self, Fault}, gateway};",
        "use {std::fmt, crate::gateway};",
        "pub use super::super::gateway::Router;",
        "use super::super::{core::Fault, gateway as door};",
        "use self::super::super::gateway;",
        "fn f() -> crate::gateway::Router { g() }",
        "fn f() { crate::gateway::open::<crate::core::Fault>() }",
        "fn f(x: Vec<crate::gateway::Router>) {}",
        "macro_rules! m { () => { $crate::gateway::open() } }",
        "mod tests { use super::super::super::gateway; }",
        "pub(in crate::gateway) fn f() {}",
    ] {
        assert_refused("runtime/loader.rs", source);
    }
}

#[test]
fn the_line_is_that_of_the_path() {
    let source =
        "use crate::core::Fault;\n\nuse crate::{\n    core::Digest,\n    config::Config,\n};\n";
    assert_eq!(lines("runtime/loader.rs", source), [5]);
    let breach = &inspect("runtime/loader.rs", source)[0];
    assert_eq!(
        breach.to_string(),
        "src/runtime/loader.rs:5  `runtime` may not import `config`"
    );
}

#[test]
fn ways_around_the_table_are_closed() {
    for source in [
        "use crate as house;",
        "use crate::*;",
        "use super::super::*;",
        "use crate::{self as house};",
        "macro_rules! m { ($room:ident) => { crate::$room::open() } }",
        "#[path = \"../gateway/router.rs\"] mod router;",
        "extern crate self as house;",
        "use airgate::gateway;",
        "use crate::pantry::Bread;",
    ] {
        assert_refused("runtime/loader.rs", source);
    }
    assert_refused("pantry/bread.rs", "");
    assert_refused("helpers.rs", "");
}

#[test]
fn what_the_row_allows_is_fine() {
    assert_fine(
        "runtime/loader.rs",
        "use super::*; use crate::{core::{self, Fault}, security::verify as check}; use std::fmt;
         pub(crate) fn f(x: &crate::monitoring::Recorder) -> super::engine::Engines { \"crate::gateway\" }
         // crate::gateway
         mod tests { use super::super::engine; use super::*; }
         fn g() -> impl Fn() + use<> { super::engine::start() }",
    );
    assert_fine("system/node.rs", "use crate::{admin, gateway, runtime};");
    assert_fine("main.rs", "fn main() { airgate::cli::run() }");
    assert_refused("system/node.rs", "use crate::cli;");
}

#[test]
fn an_index_only_declares() {
    let good = "//! Docs.\n#![deny(x)]\nmod a;\npub(crate) mod b;\n#[cfg(test)]\nmod tests;\npub use a::{B, c::D};\nuse b::E;";
    assert_fine("runtime/mod.rs", good);
    for bad in [
        "fn f() {}",
        "pub struct S;",
        "mod a { }",
        "pub(crate) const A: u8 = 1;",
        "m! {}",
    ] {
        assert_refused("runtime/mod.rs", bad);
        assert_refused("lib.rs", bad);
        assert_fine("runtime/other.rs", bad);
    }
}

#[test]
fn what_has_one_place_is_found_elsewhere() {
    let only = |place: &str, source: &str| {
        assert_fine(place, source);
        assert_refused("component/pool.rs", source);
    };
    only("runtime/cache.rs", "fn f() { unsafe { g() } }");
    only("runtime/cache.rs", "#[allow(unsafe_code)] fn f() {}");
    only(
        "monitoring/names.rs",
        "const A: &str = \"airgate_new_total\";",
    );
    only(
        "monitoring/names.rs",
        "const A: &str = r\"http_server_new\";",
    );
    only("gateway/respond.rs", "fn f() { g(StatusCode::NOT_FOUND) }");
    assert_fine(
        "component/pool.rs",
        "fn f(status: StatusCode) {} // unsafe \"airgate_\" todo!()",
    );
}

#[test]
fn unfinished_work_and_long_files_are_found() {
    assert_refused("component/pool.rs", "fn f() { todo!() }");
    assert_refused("component/pool.rs", "fn f() { unimplemented!(\"later\") }");
    assert_eq!(lines("component/pool.rs", &"\n".repeat(401)), [401]);
    assert_fine("component/pool.rs", &"\n".repeat(400));
}

/// Room and imports as a reader of ARCHITECTURE.md sees them: `| src/x/ | job | a, b |`.
fn documented() -> Vec<(String, String)> {
    let text = include_str!("../../ARCHITECTURE.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `src/")?.split('|').map(str::trim);
        let room = cells.next()?.strip_suffix("/`")?;
        Some((room.to_owned(), cells.nth(1)?.to_owned()))
    });
    rows.collect()
}

#[test]
fn the_table_is_the_one_in_architecture_md() {
    let ours = ROOMS.map(|(room, allowed)| {
        let allowed = match (room, allowed) {
            (_, []) => "–".to_owned(),
            ("system", _) => "everything but cli".to_owned(),
            ("cli", _) => "everything".to_owned(),
            _ => allowed.join(", "),
        };
        (room.to_owned(), allowed)
    });
    assert_eq!(documented(), ours);
}
