//! What an operator reads about `[storage.NAME]`.

use super::support::assert_grants;
use super::{BASE, assert_adds, directory, first_lines, parse_in};

const GRANT: &str = "[component.a.capabilities]\nkeyvalue = { s = \"read\" }\n";

/// A store that is granted, with these keys.
#[track_caller]
fn assert_store(keys: &str, expected: &[&str]) {
    assert_adds(&format!("{GRANT}[storage.s]\n{keys}"), expected);
}

#[test]
fn a_backend_that_is_not_built_says_so() {
    let text = format!("{BASE}{GRANT}[storage.s]\nbackend = \"redis\"\n");
    assert_eq!(
        first_lines(&text),
        ["routes.toml:9:11  storage.s.backend: the backend \"redis\" is not built yet"]
    );
    let directory = directory();
    let errors = parse_in(directory.path(), &text).unwrap_err();
    let help = errors.iter().next().unwrap().help.as_deref();
    assert_eq!(help, Some("expected \"embedded\" or \"memory\""));
    assert_store(
        "backend = \"nats\"",
        &["storage.s.backend: the backend \"nats\" is not built yet"],
    );
    assert_store(
        "backend = \"embeded\"",
        &["storage.s.backend: unknown backend \"embeded\", did you mean \"embedded\"?"],
    );
}

#[test]
fn sizes_and_numbers_are_within_bounds() {
    for good in [
        "max_value = \"1\"",
        "max_value = \"16MiB\"",
        "max_keys = 1",
        "max_bytes = \"1024GiB\"",
    ] {
        assert_store(good, &[]);
    }
    assert_store(
        "max_value = \"0\"",
        &["storage.s.max_value: expected a size from 1 to 16MiB, found 0"],
    );
    assert_store(
        "max_value = \"16777217\"",
        &["storage.s.max_value: expected a size from 1 to 16MiB, found 16777217"],
    );
    assert_store(
        "max_bytes = \"1023\"",
        &["storage.s.max_bytes: expected a size from 1KiB to 1024GiB, found 1023"],
    );
    assert_store(
        "max_keys = 0",
        &[
            "storage.s.max_keys: expected a whole number from 1 to 9223372036854775807, \
           found the number 0",
        ],
    );
}

#[test]
fn a_value_that_never_fits_is_told() {
    assert_store(
        "max_bytes = \"64KiB\"\nmax_value = \"1MiB\"",
        &["warning: storage.s.max_value: a value of 1MiB never fits into max_bytes 64KiB"],
    );
    assert_store("max_bytes = \"64KiB\"", &[]);
}

#[test]
fn stores_that_are_granted_are_there() {
    assert_grants("keyvalue = { default = \"read\" }", &[]);
    assert_grants(
        "keyvalue = { carts = \"read\" }",
        &["component.a.capabilities.keyvalue.carts: unknown store \"carts\""],
    );
    assert_grants(
        "keyvalue = { defualt = \"read\" }",
        &[
            "component.a.capabilities.keyvalue.defualt: unknown store \"defualt\", \
           did you mean \"default\"?",
        ],
    );
    assert_grants(
        "keyvalue = { \"a.b\" = \"read\" }",
        &["component.a.capabilities.keyvalue.\"a.b\": \"a.b\" is not the name of a store"],
    );
    assert_grants(
        "keyvalue = { default = \"write\" }",
        &["component.a.capabilities.keyvalue.default: unknown access \"write\""],
    );
    assert_grants(
        "keyvalue = [\"default\"]",
        &["component.a.capabilities.keyvalue: expected a table, found an array"],
    );
}

#[test]
fn the_help_names_the_stores_or_where_one_is_described() {
    let help = |more: &str| {
        let directory = directory();
        let text =
            format!("{BASE}[component.a.capabilities]\nkeyvalue = {{ carts = \"read\" }}\n{more}");
        let errors = parse_in(directory.path(), &text).unwrap_err();
        errors.iter().next().unwrap().help.clone().unwrap()
    };
    assert_eq!(help(""), "describe it in [storage.carts]");
    assert_eq!(
        help("[storage.b]\n[storage.a]\n"),
        "the stores are default, a, b"
    );
}

#[test]
fn a_store_that_nobody_uses_is_told_once_all_else_is_right() {
    let idle = "storage.s: no component is granted this store";
    assert_adds("[storage.s]", &[&format!("warning: {idle}")]);
    assert_adds(
        "[storage.default]",
        &["warning: storage.default: no component is granted this store"],
    );
    assert_adds(
        "[storage.s]\n[component.a.capabilities]\nkeyvalue = { z = \"read\" }",
        &["component.a.capabilities.keyvalue.z: unknown store \"z\""],
    );
}

#[test]
fn there_are_at_most_64_stores() {
    let stores = |many: usize| -> String {
        let names = (0..many).map(|n| format!("[storage.s{n}]\n"));
        let grants = (0..many).map(|n| format!("s{n} = \"read\"\n"));
        let grants: String = grants.collect();
        names.collect::<String>() + "[component.a.capabilities.keyvalue]\n" + &grants
    };
    assert_adds(&stores(64), &[]);
    assert_adds(&stores(66), &["storage.s64: 66 stores are more than 64"]);
}
