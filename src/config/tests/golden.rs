//! One file with many mistakes shows all of them.

use super::{BASE, directory, first_lines, parse_in};

const FAULTY: &str = include_str!("faulty.toml");
const FAULTY_REPORT: &str = include_str!("faulty.txt");

#[test]
fn every_mistake_is_shown_at_once_with_its_place() {
    let directory = directory();
    let errors = parse_in(directory.path(), FAULTY).unwrap_err();
    let report = errors
        .to_string()
        .replace(&directory.path().display().to_string(), "DIR");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/tests/faulty.txt"),
            format!("{report}\n"),
        )
        .unwrap();
    }
    assert_eq!(report, FAULTY_REPORT.trim_end());
}

#[test]
fn a_report_has_the_place_then_the_line_with_a_caret_then_the_help() {
    let directory = directory();
    let errors = parse_in(directory.path(), &format!("{BASE}[server]\nlisen = []\n")).unwrap_err();
    let expected = "\
routes.toml:7:1  server: unknown key \"lisen\", did you mean \"listen\"?
  |
7 | lisen = []
  | ^^^^^
  |
  = help: the keys here are listen, max_connections, max_requests, drain_timeout, trusted_proxies, tls, limits";
    assert_eq!(errors.to_string(), expected);
    assert!(errors.colored().contains("\u{1b}["), "{}", errors.colored());
}

#[test]
fn machines_read_the_same() {
    let directory = directory();
    let errors = parse_in(directory.path(), "version = 1\nserver.max_requests = 0\n").unwrap_err();
    let expected = serde_json::json!([{
        "severity": "error",
        "file": "routes.toml",
        "line": 2,
        "column": 23,
        "path": "server.max_requests",
        "message": "expected a whole number from 1 to 4294967295, found the number 0",
        "help": null,
    }]);
    assert_eq!(serde_json::to_value(&errors).unwrap(), expected);
}

#[test]
fn columns_count_characters() {
    let lines = first_lines(&format!("{BASE}[route.headers]\n\"x-ä\" = \"ü\"\n"));
    assert_eq!(
        lines,
        [
            "routes.toml:7:1  route[0].headers.\"x-ä\": \"x-ä\" is not a header name",
            "routes.toml:7:9  route[0].headers.\"x-ä\": \"ü\" is not a header value",
        ]
    );
}
