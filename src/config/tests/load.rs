//! From files: what is no configuration says so.

use std::path::Path;

use super::{BASE, directory};
use crate::config::{LoadError, load};

fn refusal(path: &Path) -> String {
    let text = load(path).unwrap_err().to_string();
    text.replace(&path.display().to_string(), "FILE")
}

/// What `load` says about a file with these bytes.
fn refusal_of(bytes: &[u8]) -> String {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    std::fs::write(&file, bytes).unwrap();
    refusal(&file)
}

#[test]
fn a_file_is_loaded_with_its_own_directory_as_the_base() {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    std::fs::write(&file, BASE).unwrap();
    let (config, warnings) = load(&file).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(config.path, file);
    assert_eq!(config.state_dir, directory.path().join(".airgate"));
}

#[test]
fn what_is_no_file_says_what_to_do() {
    let directory = directory();
    assert_eq!(
        refusal(&directory.path().join("none.toml")),
        "FILE: there is no such file; name the configuration with --config FILE"
    );
    assert_eq!(
        refusal(directory.path()),
        "FILE: is a directory; name the file in it, such as routes.toml"
    );
}

#[test]
fn what_is_no_text_is_refused() {
    assert_eq!(
        refusal_of(b"version = 1\n\xff"),
        "FILE: line 2 is not UTF-8; save the file in that encoding"
    );
    let large = "#".repeat((4 << 20) + 1);
    assert_eq!(
        refusal_of(large.as_bytes()),
        "FILE: larger than 4 MiB; is this the configuration?"
    );
}

#[test]
fn an_empty_file_lacks_its_version() {
    for empty in ["", "\n", "# nothing\n", "\u{feff}"] {
        let refusal = refusal_of(empty.as_bytes());
        assert!(
            refusal.starts_with("FILE:1:1  `version` is missing"),
            "{refusal}"
        );
        assert!(
            refusal.contains("write version = 1 at the top"),
            "{refusal}"
        );
    }
}

#[test]
fn a_byte_order_mark_does_not_count() {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    std::fs::write(&file, format!("\u{feff}{BASE}")).unwrap();
    assert!(load(&file).is_ok());
}

#[test]
fn errors_of_syntax_have_a_place() {
    let refusal = refusal_of(b"version = 1\n[server\nlisten = []\n");
    assert!(
        refusal.starts_with("FILE:2:8  unclosed table, expected `]`"),
        "{refusal}"
    );
    assert!(matches!(
        load("/nowhere/routes.toml"),
        Err(LoadError::Io { .. })
    ));
}

#[test]
fn double_keys_do_not_hide_other_mistakes() {
    let refusal = refusal_of(b"version = 1\nversion = 1\ncolour = 1\n");
    assert!(refusal.contains("FILE:2:1  duplicate key"), "{refusal}");
    assert!(
        refusal.contains("FILE:3:1  unknown key \"colour\""),
        "{refusal}"
    );
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = format!("version = {}", "[".repeat(100_000));
    assert!(refusal_of(deep.as_bytes()).contains("max recursion depth"));
}

#[test]
fn a_file_cut_off_in_a_line_is_refused() {
    for cut in [
        "max_requests = 1",
        "max_requests = 1_000 # req",
        "  # a comm",
    ] {
        let refusal = refusal_of(format!("{BASE}[server]\n{cut}").as_bytes());
        assert!(refusal.contains("FILE:7:"), "{refusal}");
        assert!(
            refusal.contains("  the file ends in the middle of a line"),
            "{refusal}"
        );
    }
}
