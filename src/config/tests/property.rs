//! Whatever the file holds, the answer is a configuration or a report.

use proptest::prelude::*;

use super::example::{CAPABILITIES, EXAMPLE};
use super::{directory, parse_in};
use crate::config::load;

/// Reports too must not panic: their spans come from anywhere.
fn survives(bytes: &[u8]) {
    let directory = directory();
    let file = directory.path().join("routes.toml");
    std::fs::write(&file, bytes).unwrap();
    let report = match load(&file) {
        Ok((_, warnings)) => warnings.to_string(),
        Err(error) => error.to_string(),
    };
    drop(report);
}

/// Pieces that are more likely to make a file than bytes are.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("version = 1\n"),
        Just("[[route]]\n"),
        Just("[server"),
        Just("]\n"),
        Just("[component.a]\n"),
        Just("path = "),
        Just("prefix = "),
        Just("\"/{a}\""),
        Just("\"/%2e\u{e4}\""),
        Just("traffic = "),
        Just("{ "),
        Just(" }"),
        Just("[ "),
        Just(" ]"),
        Just(", "),
        Just("\"1.0\" = 1"),
        Just("5"),
        Just("\"5s\""),
        Just("\n"),
        Just("'''"),
        Just("\"\"\""),
        Just("\u{feff}"),
        Just("\0"),
        Just("\r\n"),
        Just("\r"),
        Just("source = "),
        Just("[component.a.capabilities]\n"),
        Just("http = "),
        Just("sockets = "),
        Just("\"https://*.internal\""),
        Just("\"tcp://[::ffff:0:0/96]:*\""),
        Just("private_networks = true\n"),
        Just("components = [\"a\"]\n"),
        Just("files = "),
        Just("{ source = \".\", at = \"/\" }"),
        Just("config = "),
        Just("{ file = \"token\" }"),
        Just("custom = "),
        Just("inf"),
        Just("hosts = "),
        Just("\"*.a:1\""),
        Just("headers = "),
        Just("x = "),
        Just("\t"),
        Just("\\u"),
        Just("日本"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn no_pieces_of_a_file_make_it_panic(text in pieces()) {
        survives(text.as_bytes());
    }

    #[test]
    fn no_damage_to_the_example_makes_it_panic(at in 0..EXAMPLE.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(EXAMPLE.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn no_damage_to_capabilities_makes_it_panic(at in 0..CAPABILITIES.len(), length in 0..40usize, with in pieces()) {
        let mut bytes = CAPABILITIES.as_bytes().to_vec();
        bytes.splice(at..(at + length).min(CAPABILITIES.len()), with.bytes());
        survives(&bytes);
    }

    #[test]
    fn no_path_makes_it_panic_and_what_is_taken_is_normal(path in "/[a-c./%{}*2eE~ä]{0,16}") {
        let directory = directory();
        let text = format!("version = 1\n[[route]]\npath = {path:?}\nrespond = {{}}\n");
        if let Ok((config, _)) = parse_in(directory.path(), &text) {
            let taken = config.routes[0].path.as_str();
            prop_assert!(!taken.contains("//") && !taken.contains("/../") && !taken.contains("/./"));
        }
    }
}
