//! What an operator reads about `files` of a component.

use std::os::unix::fs::symlink;

use super::support::{assert_grants, diagnostics};
use super::{BASE, directory};

#[test]
fn sources_are_directories() {
    let with = |source: &str| format!("files = [{{ source = {source:?}, at = \"/d\" }}]");
    assert_grants(&with("public"), &[]);
    assert_grants(
        &with("none"),
        &["component.a.capabilities.files[0].source: none does not exist"],
    );
    assert_grants(
        &with("a.wasm"),
        &["component.a.capabilities.files[0].source: a.wasm is a file"],
    );
    assert_grants(
        "files = [{ source = \"public\" }, { at = \"/d\" }]",
        &[
            "component.a.capabilities.files[0]: `at` is missing",
            "component.a.capabilities.files[1]: `source` is missing",
        ],
    );
}

#[test]
fn places_are_absolute_and_normal() {
    for (at, message) in [
        ("assets", "\"assets\" is not a path of the guest's"),
        ("", "\"\" is not a path of the guest's"),
        ("/a/", "\"/a/\" is not in its normal form, write \"/a\""),
        ("//a", "\"//a\" is not in its normal form, write \"/a\""),
        (
            "/a/./b",
            "\"/a/./b\" is not in its normal form, write \"/a/b\"",
        ),
        ("/../a", "\"/../a\" is not in its normal form, write \"/a\""),
        ("/a/..", "\"/a/..\" is not in its normal form, write \"/\""),
        ("/a\t", "\"/a\\t\" is not a path of the guest's"),
    ] {
        let expected = format!("component.a.capabilities.files[0].at: {message}");
        assert_grants(
            &format!("files = [{{ source = \"public\", at = {at:?} }}]"),
            &[&expected],
        );
    }
    assert_grants("files = [{ source = \"public\", at = \"/\" }]", &[]);
}

#[test]
fn each_place_is_one_directory() {
    let with = |one: &str, other: &str| {
        format!(
            "files = [{{ source = \"public\", at = {one:?} }},\n{{ source = \"store\", at = {other:?} }}]"
        )
    };
    assert_grants(
        &with("/a", "/a"),
        &["component.a.capabilities.files[1].at: \"/a\" is there twice, first on line 7"],
    );
    assert_grants(
        &with("/a", "/a/b/c"),
        &["component.a.capabilities.files[1].at: \"/a/b/c\" lies inside \"/a\" of line 7"],
    );
    assert_grants(
        &with("/a", "/"),
        &["component.a.capabilities.files[0].at: \"/a\" lies inside \"/\" of line 8"],
    );
    assert_grants(&with("/a", "/ab"), &[]);
}

#[test]
fn what_is_read_only_here_may_be_writable_there() {
    let with = |read: &str, write: &str| {
        format!(
            "files = [{{ source = {read:?}, at = \"/r\" }},\n\
             {{ source = {write:?}, at = \"/w\", mode = \"read-write\" }}]"
        )
    };
    for (read, write, part) in [
        ("data", "data", ""),
        ("data", "data/inner", "in part "),
        ("data", "public/../data", ""),
    ] {
        let expected = format!(
            "warning: component.a.capabilities.files[0].source: \
             {read} is read-only here, and {part}writable by line 8"
        );
        assert_grants(&with(read, write), &[&expected]);
    }
    assert_grants(&with("public", "data"), &[]);
    let nested = "component.a.capabilities.files[0].source: the granted directory data/inner lies \
                  where a component may write, by the grant of line 8";
    let warning = "warning: component.a.capabilities.files[0].source: \
                   data/inner is read-only here, and writable by line 8";
    assert_grants(&with("data/inner", "data"), &[nested, warning]);
    assert_grants(
        "files = [{ source = \"data\", at = \"/r\", mode = \"write\" }]",
        &["component.a.capabilities.files[0].mode: unknown mode \"write\""],
    );
}

/// The first lines about a source with this mode, where the state directory is `data/inner`.
fn about_own(source: &str, mode: &str) -> Vec<String> {
    let directory = directory();
    symlink("data/inner", directory.path().join("link")).unwrap();
    std::fs::create_dir(directory.path().join("data/inner/cache")).unwrap();
    let text = format!(
        "{BASE}[state]\ndir = \"data/inner\"\n[component.a.capabilities]\n\
         files = [{{ source = {source:?}, at = \"/d\", mode = {mode:?} }}]\n"
    );
    let diagnostics = diagnostics(directory.path(), &text);
    let lines = diagnostics.iter().map(|one| diagnostics.first_line(one));
    let what = |line: String| {
        let (_, what) = line.split_once("  ").unwrap();
        what.replace("component.a.capabilities.files[0].source: ", "")
    };
    lines.map(what).collect()
}

#[test]
fn the_gateways_own_files_are_not_given_away() {
    for (source, mode, expected) in [
        ("data/inner", "read", "data/inner is the state directory"),
        (
            "data/inner",
            "read-write",
            "data/inner is the state directory",
        ),
        ("link", "read", "link is the state directory"),
        (
            "public/../link",
            "read",
            "public/../link is the state directory",
        ),
        (
            "link/cache",
            "read",
            "warning: link/cache lies in the state directory, and may be read",
        ),
        (
            "link/cache",
            "read-write",
            "link/cache lies in the state directory, and may be written to",
        ),
        (
            "data",
            "read",
            "warning: data holds the state directory, and may be read",
        ),
        (
            "data",
            "read-write",
            "data holds the state directory, and may be written to",
        ),
        (
            ".",
            "read",
            "warning: . holds this file and the state directory, and may be read",
        ),
        (
            "/",
            "read-write",
            "/ holds this file and the state directory, and may be written to",
        ),
    ] {
        assert_eq!(about_own(source, mode), [expected], "{source} {mode}");
    }
    for mode in ["read", "read-write"] {
        assert_eq!(about_own("store", mode), Vec::<String>::new());
    }
}

#[test]
fn a_state_directory_that_is_not_there_yet_is_guarded_too() {
    assert_grants(
        "files = [{ source = \".\", at = \"/d\", mode = \"read-write\" }]",
        &["component.a.capabilities.files[0].source: \
           . holds this file and the state directory, and may be written to"],
    );
}

#[test]
fn a_file_that_a_link_leads_to_is_guarded_where_it_lies() {
    let directory = directory();
    std::fs::write(directory.path().join("store/routes.toml"), "").unwrap();
    symlink("store/routes.toml", directory.path().join("routes.toml")).unwrap();
    let text = format!(
        "{BASE}[component.a.capabilities]\n\
         files = [{{ source = \"store\", at = \"/d\", mode = \"read-write\" }}]\n"
    );
    let report = diagnostics(directory.path(), &text).to_string();
    assert!(
        report.contains("store holds this file, and may be written to"),
        "{report}"
    );
}
